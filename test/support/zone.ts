import assert from 'node:assert/strict'
import type { DnsAnswer, DnsInquiry, DnsQuestion } from '@sallyport/rules'
import { addressOf } from './address.ts'

/**
 * Names and what the DNS says of them: `A 192.0.2.1`, `MX host` (in the order of preference; `MX` alone: the null MX),
 * `TXT text`, `PTR name`. Every other question about the name is answered with nothing, all of them with a failure where it
 * says `silent` or, for one type, `silent TXT`.
 */
export type Zone = Readonly<Record<string, readonly string[]>>

function answerOf(zone: Zone, { type, name }: DnsQuestion): DnsAnswer {
  const lines = Object.entries(zone).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  if (lines === undefined) return { kind: 'absent' }
  if (lines.includes('silent') || lines.includes(`silent ${type}`)) return { kind: 'failed' }
  const data = lines
    .map(line => /^(\S+) ?(.*)$/s.exec(line))
    .filter(parts => parts?.[1] === type)
    .map(parts => (type === 'A' || type === 'AAAA' ? addressOf(parts?.[2] ?? '').text : (parts?.[2] ?? '')))
  return data.length === 0 ? { kind: 'absent' } : { kind: 'records', data }
}

/** Carries out an inquiry over the zone. `groups`: the questions that it asked together. */
export function askZone<Found>(
  zone: Zone,
  inquiry: DnsInquiry<Found>,
): { found: Found; groups: readonly (readonly string[])[] } {
  const groups: string[][] = []
  let step = inquiry.next()
  while (!step.done) {
    assert.ok(groups.length < 200, 'it never ends')
    assert.ok(step.value.length > 0 && step.value.length <= 10, `${step.value.length} questions at a time`)
    groups.push(step.value.map(({ type, name }) => `${type} ${name}`))
    step = inquiry.next(step.value.map(question => answerOf(zone, question)))
  }
  return { found: step.value, groups }
}
