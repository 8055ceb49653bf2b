import {
  type Access,
  type Address,
  delayOf,
  type Moment,
  type Plans,
  parseAddress,
  type Verdict,
} from '@sallyport/rules'
import type { Decision } from '../decisions/decision.ts'
import { readDecision } from '../decisions/decision-line.ts'
import { type Rejudged, rejudge } from '../decisions/rejudge.ts'

/** What a client met, or would meet. `delayed`: let in, and made to wait longer than it was. */
export const fates = ['passed', 'delayed', 'deferred', 'refused', 'decoyed', 'trapped', 'dropped'] as const
type Fate = (typeof fates)[number]

/** What the backend had said of the mail: of a client that it took mail of, a refusal is likely a mistake. */
export const words = ['accepted', 'refused', 'deferred', 'nothing'] as const
export type Word = (typeof words)[number]

/** One session that would have gone otherwise. */
export interface Example {
  readonly id: string
  readonly client: string
  readonly backend: Word
  /** The check that decides, then or now, and what it saw. */
  readonly check: string | null
  readonly why: string | null
  readonly from: string | null
}

/** Sessions that went one way and would go another. */
export interface Transition {
  readonly was: Fate
  readonly becomes: Fate
  count: number
  readonly backend: Record<Word, number>
  /** How many each check decides. */
  readonly checks: Record<string, number>
  readonly examples: Example[]
}

/** Of one check, over all sessions. */
interface CheckTotal {
  failedBefore: number
  failsNow: number
  decidedBefore: number
  decidesNow: number
  /** It would decide, but what it asks was never asked. */
  unknownNow: number
}

/** What a configuration knows by itself of a client. */
export interface Terms {
  readonly plans: Plans
  access(client: Address): Access
  /** The pause before the greeting, ms. */
  greetWait(client: Address): number
}

/** A client notices no shorter wait, ms. */
const leastDelay = 1_000
/** Broken lines that are told one by one. */
const mostBroken = 10
/** Commands of a session for which delays are added up. */
const mostCommands = 1_000

/** What all records come to under another configuration. */
export class Replay {
  records = 0
  /** Balancers' probes, which nobody judges. */
  health = 0
  unchanged = 0
  broken = 0
  readonly brokenLines: string[] = []
  first = ''
  last = ''
  readonly configs = new Set<string>()
  readonly transitions = new Map<string, Transition>()
  readonly checks = new Map<string, CheckTotal>()
  private readonly terms: Terms
  private readonly examples: number

  /** `examples`: how many of each transition are kept. */
  constructor(terms: Terms, examples: number) {
    this.terms = terms
    this.examples = examples
  }

  /** One line; `where` names it if it is broken. Never throws for what is in it. */
  add(line: string, where: () => string): void {
    if (line === '') return
    const decision = readDecision(line)
    if (typeof decision === 'string') return this.reject(decision, where)
    const client = parseAddress(decision.client)
    if (client === null) return this.reject('client is no address', where)
    if (decision.verdict === 'health') {
      this.health++
      return
    }
    let again: Rejudged
    try {
      again = rejudge(decision, this.terms.plans, facts => {
        facts.access = this.terms.access(client)
      })
    } catch {
      // A fact whose name is right and whose insides are not: no gate wrote that.
      return this.reject('its facts cannot be judged', where)
    }
    this.note(decision, again, client)
  }

  private reject(why: string, where: () => string): void {
    this.broken++
    if (this.brokenLines.length < mostBroken) this.brokenLines.push(`${where()}: ${why}`)
  }

  private note(decision: Decision, again: Rejudged, client: Address): void {
    this.records++
    if (this.first === '' || decision.time < this.first) this.first = decision.time
    if (decision.time > this.last) this.last = decision.time
    if (this.configs.size < 100) this.configs.add(decision.config)
    const was = fateOf(decision.action)
    let becomes = fateOf(again.verdict.action)
    if (was === 'passed' && becomes === 'passed' && this.isSlower(decision, again, client)) becomes = 'delayed'
    this.countChecks(decision, again)
    if (was === becomes) this.unchanged++
    else this.transition(was, becomes, decision, again)
  }

  private transition(was: Fate, becomes: Fate, decision: Decision, { verdict }: Rejudged): void {
    const key = `${was} ${becomes}`
    const found = this.transitions.get(key)
    const transition: Transition = found ?? { was, becomes, count: 0, backend: noWords(), checks: {}, examples: [] }
    if (found === undefined) this.transitions.set(key, transition)
    const backend = wordOf(decision)
    const isStricter = verdict.cause !== null
    const check = isStricter ? verdict.cause.check : becomes === 'delayed' ? null : decision.check
    transition.count++
    transition.backend[backend]++
    if (check !== null) transition.checks[check] = (transition.checks[check] ?? 0) + 1
    if (transition.examples.length >= this.examples) return
    const why = isStricter ? verdict.cause.why : check === null ? null : decision.why
    const { id, client, from } = decision
    transition.examples.push({ id, client, backend, check, why, from })
  }

  private countChecks(decision: Decision, { plan, tally, verdict }: Rejudged): void {
    for (const name in decision.outcomes) {
      if (decision.outcomes[name]?.startsWith('fail') === true) this.check(name).failedBefore++
    }
    if (decision.check !== null) this.check(decision.check).decidedBefore++
    if (verdict.cause !== null) this.check(verdict.cause.check).decidesNow++
    if (tally.vouched !== null) return
    plan.checks.forEach(({ name, check }, i) => {
      const kind = tally.outcomes[i]?.kind
      if (kind === 'fail') this.check(name).failsNow++
      if (kind !== 'todo' || check.asks === undefined || tally.isRemembered(i)) return
      const planned = plan.checks[i]
      if (planned !== undefined && tally.actionFor(planned, i) !== 'observe') this.check(name).unknownNow++
    })
  }

  private check(name: string): CheckTotal {
    let total = this.checks.get(name)
    if (total === undefined) {
      total = { failedBefore: 0, failsNow: 0, decidedBefore: 0, decidesNow: 0, unknownNow: 0 }
      this.checks.set(name, total)
    }
    return total
  }

  /**
   * Whether the client would wait a second longer than it did. An estimate: the delays of the commands that it is known to have sent, at
   * the score that it had at the end.
   */
  private isSlower(decision: Decision, { facts, plan, tally }: Rejudged, client: Address): boolean {
    const { ms, from, recipients, messages } = decision
    if (tally.vouched !== null) return false
    const isKnown = tally.hasPassed(plan, 'pregreet') && decision.remembered.length > 0
    const mail = messages.accepted + messages.deferred + messages.refused
    const said: Moment[] = []
    if (facts.hello !== null) said.push('hello')
    if (from !== null) said.push('mail')
    for (let n = 0; n < Math.min(recipients, mostCommands); n++) said.push('rcpt')
    for (let n = 0; n < Math.min(mail, mostCommands); n++) said.push('data')
    let waited = decision.remembered.includes('pregreet') ? 0 : this.terms.greetWait(client)
    const isClean = tally.verdict.action === 'none'
    for (const moment of said) {
      waited += delayOf(plan.delays, moment, { isKnown, isClean, score: tally.score, errors: 0, unknown: 0, waited })
    }
    return waited - ((ms.greeted ?? 0) + ms.waited) >= leastDelay
  }
}

const noWords = (): Record<Word, number> => ({ accepted: 0, refused: 0, deferred: 0, nothing: 0 })

function fateOf(action: Verdict['action']): Fate {
  switch (action) {
    case 'none':
      return 'passed'
    case 'defer':
      return 'deferred'
    case 'refuse':
      return 'refused'
    case 'decoy':
      return 'decoyed'
    case 'trap':
      return 'trapped'
    case 'drop':
      return 'dropped'
    default:
      action satisfies never
      return 'passed'
  }
}

/** A message that was taken outweighs all else: whoever sent it would have been missed. */
function wordOf({ verdict, messages, backend }: Decision): Word {
  // What a decoy said was no server's word.
  if (verdict === 'decoyed') return 'nothing'
  if (messages.accepted > 0) return 'accepted'
  const codes = Object.keys(backend).map(said => said.split(' ')[1] ?? '')
  if (messages.refused > 0 || codes.some(code => code.startsWith('5'))) return 'refused'
  return messages.deferred > 0 || codes.some(code => code.startsWith('4')) ? 'deferred' : 'nothing'
}
