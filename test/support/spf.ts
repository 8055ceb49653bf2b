import assert from 'node:assert/strict'
import { checkHost, type DnsAnswer, type DnsQuestion, type SpfFinding } from '@sallyport/rules'
import { addressOf } from './address.ts'

/**
 * Names and what the DNS says of them: `A 192.0.2.1`, `MX host` (in the order of preference; `MX` alone: the null MX),
 * `TXT text`, `PTR name`. Every other question about the name is answered with nothing, all of them with a failure where it
 * says `silent` or, for one type, `silent TXT`.
 */
export type Zone = Readonly<Record<string, readonly string[]>>

export interface SpfCase {
  readonly client?: string
  readonly helo?: string
  readonly sender?: string
}

export interface Asked {
  readonly finding: SpfFinding
  /** The groups of questions. */
  readonly groups: readonly (readonly string[])[]
}

/** An address without compression is the same address. */
function canonical(type: string, data: string): string {
  return type === 'A' || type === 'AAAA' ? addressOf(data).text : data
}

function answerOf(zone: Zone, { type, name }: DnsQuestion): DnsAnswer {
  const lines = Object.entries(zone).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1]
  if (lines === undefined) return { kind: 'absent' }
  if (lines.includes('silent') || lines.includes(`silent ${type}`)) return { kind: 'failed' }
  const data = lines
    .map(line => /^(\S+) ?(.*)$/s.exec(line))
    .filter(parts => parts?.[1] === type)
    .map(parts => canonical(type, parts?.[2] ?? ''))
  return data.length === 0 ? { kind: 'absent' } : { kind: 'records', data }
}

/** Runs one check over the zone. */
export function askSpf(zone: Zone, { client = '192.0.2.3', helo = 'mail.example.net', sender = '' }: SpfCase): Asked {
  const check = checkHost({ client: addressOf(client), helo, sender, receiver: 'mx.example.test', now: 1_000_000 })
  const groups: string[][] = []
  let step = check.next()
  while (!step.done) {
    assert.ok(groups.length < 200, 'it never ends')
    assert.ok(step.value.length > 0 && step.value.length <= 10, `${step.value.length} questions at a time`)
    groups.push(step.value.map(({ type, name }) => `${type} ${name}`))
    step = check.next(step.value.map(question => answerOf(zone, question)))
  }
  return { finding: step.value, groups }
}

export const spfResult = (zone: Zone, it: SpfCase): string => askSpf(zone, it).finding.result
