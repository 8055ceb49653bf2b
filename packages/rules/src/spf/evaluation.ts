import { type Address, parseAddress } from '../address.ts'
import type { DnsAnswer, DnsInquiry } from '../dns.ts'
import { contains, networkOf } from '../network.ts'
import type { SpfFinding, SpfResult } from '../spf.ts'
import { type MacroString, parseMacros } from './macro.ts'
import { fullName, isWithin } from './name.ts'
import { type Mechanism, parseRecord, type Qualifier, type SpfRecord, selectRecords } from './record.ts'
import { most, Scope, type SpfQuestion } from './scope.ts'

const longestExplanation = 250

/** How one domain's policy came out. */
interface Outcome {
  readonly result: SpfResult
  readonly mechanism: string | null
  readonly problem: string | null
  /** What the record that decided has to say of a fail, and whose it is. */
  readonly explanation: { readonly spec: MacroString; readonly domain: string } | null
}

const plain = (result: SpfResult): Outcome => ({ result, mechanism: null, problem: null, explanation: null })
const permerror = (problem: string): Outcome => ({ ...plain('permerror'), problem })
const temperror = (problem: string): Outcome => ({ ...plain('temperror'), problem })

const results: Readonly<Record<Qualifier, SpfResult>> = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' }

/**
 * SPF as RFC 7208 has it, whole: what the sender's domain says of the client. It asks the DNS some 100 questions at the very
 * most, in groups of ten; whoever runs it may answer `failed` to all that is left, and so brings it to its end.
 *
 * Roads not taken: mailauth, which needs Node 22 and nine packages, and looks up by itself without an end in sight;
 * counting in vain each host of an MX that has no address of the client's kind, which makes an error of every domain with
 * three IPv4 hosts as soon as it is written for over IPv6, where the limit speaks of terms.
 */
export function* checkHost(question: SpfQuestion): DnsInquiry<SpfFinding> {
  const { sender, helo } = question
  const identity = sender === '' ? 'helo' : 'mailfrom'
  const path = sender.replace(/^@[^:]*:/, '')
  const at = path.lastIndexOf('@')
  const domain = fullName(identity === 'helo' ? helo : at < 0 ? '' : path.slice(at + 1))
  if (domain === null) return { ...found(plain('none'), null), domain: '', identity }
  const local = identity === 'helo' ? '' : path.slice(0, at)
  const scope = new Scope(question, local === '' ? 'postmaster' : local, domain)
  const outcome = yield* checkDomain(scope, domain)
  return { ...found(outcome, yield* explain(scope, outcome)), domain: domain.toLowerCase(), identity }
}

function found({ result, mechanism, problem }: Outcome, explanation: string | null) {
  return { result, mechanism, problem, explanation }
}

/** RFC 7208 4.4 to 4.7. */
function* checkDomain(scope: Scope, domain: string): DnsInquiry<Outcome> {
  const [answer] = yield [{ type: 'TXT', name: domain }]
  if (answer?.kind === 'absent') return plain('none')
  if (answer?.kind !== 'records') return temperror(`no answer: TXT of ${domain}`)
  const [text, ...others] = selectRecords(answer.data)
  if (text === undefined) return plain('none')
  if (others.length > 0) return permerror(`${others.length + 1} records of ${domain}`)
  const record = parseRecord(text)
  if ('problem' in record) return permerror(`${record.problem} (${domain})`)
  const { directives } = record
  const explanation = record.explanation === null ? null : { spec: record.explanation, domain }
  for (const { mechanism, qualifier, text: written } of directives) {
    const match = yield* matches(scope, mechanism, domain)
    if (match === true) return { result: results[qualifier], mechanism: written, problem: null, explanation }
    if (match !== false) return match
  }
  return yield* redirect(scope, record, domain)
}

/** Where no mechanism has matched (RFC 7208 6.1). */
function* redirect(scope: Scope, record: SpfRecord, domain: string): DnsInquiry<Outcome> {
  if (record.redirect === null) return plain('neutral')
  if (++scope.terms > most.terms) return tooMany
  const target = yield* scope.target(record.redirect, domain)
  const outcome = target === null ? plain('none') : yield* checkDomain(scope, target)
  return outcome.result === 'none' ? permerror(`no record to redirect to (${domain})`) : outcome
}

const tooMany = permerror(`more than ${most.terms} terms that ask the DNS`)

/** Whether the mechanism matches the client; an outcome: the check ends with that. */
function* matches(scope: Scope, mechanism: Mechanism, domain: string): DnsInquiry<boolean | Outcome> {
  if (mechanism.name === 'all') return true
  if (mechanism.name === 'ip') {
    const { range } = mechanism
    return range !== null && isInRange(scope.client, range.address, range.prefix)
  }
  if (++scope.terms > most.terms) return tooMany
  const target = yield* scope.target(mechanism.domain, domain)
  if (mechanism.name === 'include') return yield* include(scope, target)
  if (target === null) return false
  switch (mechanism.name) {
    case 'a':
      return yield* hosts(scope, mechanism, target)
    case 'mx':
      return yield* exchanges(scope, mechanism, target)
    case 'ptr':
      return yield* pointers(scope, target)
    case 'exists': {
      const [answer] = yield [{ type: 'A', name: target }]
      return unusable(scope, answer, target) ?? answer?.kind === 'records'
    }
    default:
      return mechanism satisfies never
  }
}

/** RFC 7208 5.2. */
function* include(scope: Scope, target: string | null): DnsInquiry<boolean | Outcome> {
  const outcome = target === null ? plain('none') : yield* checkDomain(scope, target)
  switch (outcome.result) {
    case 'pass':
      return true
    case 'fail':
    case 'softfail':
    case 'neutral':
      return false
    case 'none':
      return permerror(`no record to include (${target ?? 'no name'})`)
    case 'temperror':
    case 'permerror':
      return outcome
    default:
      return outcome.result satisfies never
  }
}

type Hosts = Mechanism & { readonly name: 'a' | 'mx' }

function* hosts(scope: Scope, mechanism: Hosts, target: string): DnsInquiry<boolean | Outcome> {
  const [answer] = yield* scope.addresses([target])
  return unusable(scope, answer, target) ?? isAmong(scope.client, mechanism, answer)
}

function* exchanges(scope: Scope, mechanism: Hosts, target: string): DnsInquiry<boolean | Outcome> {
  const [answer] = yield [{ type: 'MX', name: target }]
  const useless = unusable(scope, answer, target)
  if (useless !== null || answer?.kind !== 'records') return useless ?? false
  if (answer.data.length > most.names) return permerror(`more than ${most.names} MX of ${target}`)
  const answers = yield* scope.addresses(answer.data)
  if (answers.some(addresses => isAmong(scope.client, mechanism, addresses))) return true
  return answers.some(({ kind }) => kind === 'failed') ? temperror(`no answer: an MX of ${target}`) : false
}

/** Errors of the DNS are none of the domain's (RFC 7208 5.5): then it does not match. */
function* pointers(scope: Scope, target: string): DnsInquiry<boolean | Outcome> {
  const { names, isVoid } = yield* scope.clientNames()
  if (isVoid) return unusable(scope, { kind: 'absent' }, target) ?? false
  return names.some(name => isWithin(name, target))
}

/** What follows of an answer that there is nothing; null: there is something, or nothing has come of it yet. */
function unusable(scope: Scope, answer: DnsAnswer | undefined, target: string): Outcome | null {
  if (answer?.kind === 'records') return null
  if (answer?.kind !== 'absent') return temperror(`no answer: ${target}`)
  return ++scope.voids > most.voids ? permerror(`more than ${most.voids} terms that ask for nothing`) : null
}

function isAmong(client: Address, { prefix4, prefix6 }: Hosts, answer: DnsAnswer | undefined): boolean {
  if (answer?.kind !== 'records') return false
  const prefix = client.family === 4 ? prefix4 : prefix6
  return answer.data.some(text => {
    const address = parseAddress(text)
    return address !== null && isInRange(client, address, prefix)
  })
}

const isInRange = (client: Address, address: Address, prefix: number): boolean =>
  client.family === address.family && contains(networkOf(address, prefix), client)

/** What the domain says of its fail (RFC 7208 6.2); null: nothing, or nothing readable. */
function* explain(scope: Scope, { result, explanation }: Outcome): DnsInquiry<string | null> {
  if (result !== 'fail' || explanation === null) return null
  const { spec, domain } = explanation
  const target = yield* scope.target(spec, domain)
  if (target === null) return null
  const [answer] = yield [{ type: 'TXT', name: target }]
  if (answer?.kind !== 'records' || answer.data.length !== 1) return null
  const text = parseMacros((answer.data[0] ?? '').slice(0, 2 * longestExplanation), true)
  return text === null ? null : (yield* scope.expand(text, domain)).slice(0, longestExplanation)
}
