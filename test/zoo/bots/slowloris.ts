import { type Bot, hear, type Step, stopped, unseen } from '../animal.ts'

/** Below every limit on silence: an octet comes each half second. */
const steps: readonly Step[] = [hear, { does: 'say', octets: 'EHLO slow.example', every: 500 }]

export const slowloris: Bot = {
  name: 'slowloris',
  about: 'Opens 60 connections from one address, and says EHLO an octet at a time in each, to use up the places.',
  named: 'generic',
  waves: [Array.from({ length: 60 }, () => ({ host: 7, steps }))],
  demand: unseen,
  expected: {
    gentle: stopped('left', ['limit'], 14),
    standard: stopped('left', ['limit'], 14),
    strict: stopped('left', ['limit'], 18),
  },
}
