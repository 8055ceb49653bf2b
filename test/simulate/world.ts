import { clientKey } from '@sallyport/rules'
import { Clock } from './clock.ts'
import { Dice } from './dice.ts'
import { Flow } from './flow.ts'
import { caps, Gate, type Outcome, rates, type Visit } from './gate.ts'
import { GateStore } from './gate-store.ts'
import { Occupancy } from './occupancy.ts'
import { type Extent, isHonest, type Kind, kinds, messageOf, populationOf, type Sender } from './senders.ts'
import { type Operation, Server } from './server.ts'

/** What became of the mail of one kind of sender. */
export interface Tally {
  sessions: number
  messages: number
  taken: number
  /** By the backend, for its content. */
  content: number
  deferred: number
  refused: number
  /** Turned away, as too many were connected. */
  crowded: number
  /** Sessions that found the sender suspect. */
  suspect: number
  /** The most that one message was deferred. */
  mostDeferrals: number
}

export interface Report {
  readonly gates: number
  readonly kinds: ReadonlyMap<Kind, Tally>
  /** What must not be, in words; none: all invariants hold. */
  readonly violations: readonly string[]
  /** How often each invariant was put to the test. */
  readonly looks: Readonly<Record<'messages' | 'suspects' | 'merged' | 'windows', number>>
  readonly operations: Readonly<Record<Operation, number>>
  readonly sessions: number
  /** Connections above the rate that were let in, of one address and of one network, and the most that were on their way at once. */
  readonly excess: { readonly address: number; readonly network: number; readonly inFlight: number }
  /** Connections of one address that all gates let in while the store was away, and what each gate alone may let in. */
  readonly away: { readonly admitted: number; readonly bound: number }
  /** The most connections that one client, and one network, had open at all gates together; and one client of those that were let in while the store was away. */
  readonly open: { readonly client: number; readonly network: number; readonly away: number }
  /** Seconds after the outage until the last gate had told the store everything; the most lessons that one gate kept meanwhile, and of how many clients it does not know whether the store took one, at most. */
  readonly merge: { readonly seconds: number | null; readonly most: number; readonly inDoubt: number }
  /** Changes of breakers, and of what of the backend is believed. */
  readonly changes: number
}

/** Wall-clock seconds at which each run begins. */
const start = 1_790_000_000
/** An MTA comes again after so long: Postfix's `minimal_backoff_time`, and thrice that. */
const again = [300.5, 900] as const
/** Violations that are told; behind them there is no news. */
const mostTold = 20
/** Bots that are asked for at every gate. */
const samples = 60
/**
 * Seconds after the outage by which every gate has found the store again, and told it everything: the longest wait between two probes (4), that
 * between two tries to write (2), and what is on its way.
 */
const mergedWithin = 6.5
/**
 * Clients of whom a lesson of one gate may have been on its way when the store went: of sessions that ended just before, and until its breaker
 * opened; a session teaches of up to four names.
 */
const doubtBound = 10

const noTally = (): Tally => ({
  sessions: 0,
  messages: 0,
  taken: 0,
  content: 0,
  deferred: 0,
  refused: 0,
  crowded: 0,
  suspect: 0,
  mostDeferrals: 0,
})

/** So many gates in front of one store, and all who write to them. */
export class World {
  private readonly clock = new Clock(start)
  private readonly dice: Dice
  private readonly extent: Extent
  private readonly server = new Server(this.clock)
  private readonly gates: readonly Gate[]
  private readonly tallies = new Map<Kind, Tally>(kinds.map(kind => [kind, noTally()]))
  private readonly violations: string[] = []
  private readonly looks = { messages: 0, suspects: 0, merged: 0, windows: 0 }
  private readonly flow = new Flow(rates)
  /** Clients of whom the backend has taken a message. */
  private readonly praised = new Set<string>()
  private readonly occupancy = new Occupancy(() => this.isAway)
  private readonly learntAway: Visit[] = []
  private message = 0
  private merged: number | null = null
  private mostLeft = 0
  /** Recalls of the looks at bots, which are nobody's session. */
  private asides = 0

  constructor(gates: number, seed: number, extent: Extent) {
    this.dice = new Dice(seed)
    this.extent = extent
    this.gates = Array.from({ length: gates }, () => {
      const store = new GateStore(this.clock, this.dice, this.server)
      return new Gate(
        this.clock,
        store,
        this.flow.witness(this.clock, () => this.isAway),
        this.occupancy,
      )
    })
  }

  async run(): Promise<Report> {
    const { outage, end } = this.extent
    for (const sender of populationOf(this.extent, this.dice)) {
      if (sender.isTrusted) this.trust(sender)
      this.clock.after(sender.from + this.pauseOf(sender), () => this.send(sender))
    }
    this.clock.after(outage.from, () => {
      this.server.isUp = false
    })
    this.clock.after(outage.to, () => {
      this.server.isUp = true
      this.mostLeft = Math.max(...this.gates.map(({ store }) => store.left))
      this.watchMerge(this.clock.now)
    })
    this.clock.after(outage.to + mergedWithin, () => void this.lookAtLearntAway())
    // Who was deferred last still comes again.
    await this.clock.run(start + end + 2 * again[1])
    return this.report()
  }

  /** The store is away, or not every gate has found out that it is back. */
  private get isAway(): boolean {
    const passed = this.clock.now - start
    return passed >= this.extent.outage.from - 1 && passed < this.extent.outage.to + mergedWithin
  }

  private get mostInDoubt(): number {
    return Math.max(...this.gates.map(({ store }) => store.inDoubt.size))
  }

  private tallyOf(kind: Kind): Tally {
    return this.tallies.get(kind) as Tally
  }

  private broken(what: string): void {
    if (this.violations.length < mostTold) this.violations.push(`at ${(this.clock.now - start).toFixed(3)} s: ${what}`)
  }

  private pauseOf({ every }: Sender): number {
    return -Math.log(1 - this.dice.throw()) * every
  }

  private trust({ addresses, domain }: Sender): void {
    const lesson = { passed: {}, failed: {}, repute: { score: -14, accepted: 20, content: 0, unknown: 0 } }
    const names = domain === null ? [] : [`name:${domain}`, `spf:${domain}`]
    for (const name of [...addresses.map(clientKey), ...names]) this.server.remember(name, lesson)
  }

  private send(sender: Sender): void {
    const passed = this.clock.now - start
    if (passed >= sender.to) return
    this.clock.after(this.pauseOf(sender), () => this.send(sender))
    void this.deliver(sender, messageOf(sender, this.dice, this.message++))
  }

  /** One message, until it is taken or given up. */
  private async deliver(sender: Sender, next: () => Visit): Promise<void> {
    const tally = this.tallyOf(sender.kind)
    tally.messages++
    for (let deferrals = 0; ; ) {
      const visit = next()
      const outcome = await this.dice.of(this.gates).receive(visit)
      this.count(tally, outcome)
      if (outcome.kind === 'taken') this.praised.add(clientKey(visit.client))
      if (outcome.kind === 'content') this.learnt(visit)
      if (outcome.kind === 'deferred') deferrals++
      tally.mostDeferrals = Math.max(tally.mostDeferrals, deferrals)
      if (isHonest(sender.kind)) this.judge(sender, outcome, deferrals)
      if (outcome.kind !== 'deferred' || !sender.retries || deferrals >= 5) return
      await this.clock.wait(this.dice.between(...again))
    }
  }

  private count(tally: Tally, { kind, wasSuspect }: Outcome): void {
    tally.sessions++
    tally[kind]++
    if (wasSuspect) tally.suspect++
  }

  /** No honest sender is deferred more than once for a message, nor refused. */
  private judge({ kind, domain }: Sender, outcome: Outcome, deferrals: number): void {
    this.looks.messages++
    const who = `${kind} ${domain ?? ''}`
    if (outcome.kind === 'crowded') this.broken(`${who} was turned away, as too many were connected`)
    if (outcome.kind === 'refused') this.broken(`${who} was refused for ${outcome.check}`)
    if (outcome.kind === 'deferred' && deferrals > 1) this.broken(`${who} was deferred again for ${outcome.check}`)
  }

  /** A second after its message was refused for its content a client that was nobody is suspect at every gate. */
  private learnt(visit: Visit): void {
    if (visit.name !== null) return
    const passed = this.clock.now - start
    // Who has a good name has it to lose.
    if ((this.server.lesson(clientKey(visit.client)).repute?.accepted ?? 0) > 0) return
    if (this.isAway && passed < this.extent.outage.to) {
      if (this.learntAway.length < 2 * samples && passed > this.extent.outage.from) this.learntAway.push(visit)
      return
    }
    if (this.isAway || this.looks.suspects >= samples * this.gates.length) return
    this.clock.after(1, () => {
      if (!this.isAway) this.look(visit, 'suspects')
    })
  }

  private look(visit: Visit, what: 'suspects' | 'merged'): void {
    // Of a stranger: who has a good word has it to lose first.
    if (this.praised.has(clientKey(visit.client))) return
    for (const [i, gate] of this.gates.entries()) {
      this.looks[what]++
      this.asides += 2
      const client = visit.client.text
      void gate.suspects(visit).then(isSuspect => {
        if (!isSuspect) this.broken(`${client}, refused for its content, is not suspect at gate ${i} (${what})`)
      })
    }
  }

  /** What was learnt at one gate while the store was away is known at all. */
  private lookAtLearntAway(): void {
    for (const { store } of this.gates) if (store.left > 100) this.broken(`a gate has ${store.left} lessons unwritten`)
    if (this.mostInDoubt > doubtBound)
      this.broken(`of ${this.mostInDoubt} clients a gate does not know whether what it learnt was written`)
    const isInDoubt = (client: string) => this.gates.some(({ store }) => store.inDoubt.has(client))
    for (const visit of this.learntAway) if (!isInDoubt(clientKey(visit.client))) this.look(visit, 'merged')
  }

  private watchMerge(since: number): void {
    if (this.gates.every(({ store }) => store.isUp && store.left < 10)) this.merged = this.clock.now - since
    else this.clock.after(0.05, () => this.watchMerge(since))
  }

  private report(): Report {
    const { outage } = this.extent
    const [address, network, away] = [this.flow.excess('address'), this.flow.excess('network'), this.flow.admittedAway]
    this.looks.windows = this.flow.windows
    for (const [what, excess] of [
      ['address', address],
      ['network', network],
    ] as const) {
      if (excess > this.flow.mostInFlight) this.broken(`the rate of one ${what} was passed by ${excess.toFixed(1)}`)
    }
    const bound = this.gates.length * rates.address * (1 + (outage.to - outage.from) / rates.period)
    if (away > bound) this.broken(`while the store was away ${away} connections of one address were let in`)
    const { most, mostAway } = this.occupancy
    if (most.client > caps.perClient || most.network > caps.perNetwork)
      this.broken(`${most.client} connections of one client were open, ${most.network} of one network`)
    if (mostAway > this.gates.length * caps.perClient)
      this.broken(`while the store was away ${mostAway} connections of one client were open`)
    if (this.merged === null || this.merged > mergedWithin)
      this.broken(`what was learnt was not told within ${mergedWithin} s`)
    const { done } = this.server
    return {
      gates: this.gates.length,
      kinds: this.tallies,
      violations: this.violations,
      looks: this.looks,
      operations: { ...done, recall: done.recall - this.asides },
      sessions: [...this.tallies.values()].reduce((sum, { sessions }) => sum + sessions, 0),
      excess: { address, network, inFlight: this.flow.mostInFlight },
      away: { admitted: away, bound },
      open: { ...most, away: mostAway },
      merge: { seconds: this.merged, most: this.mostLeft, inDoubt: this.mostInDoubt },
      changes: this.gates.reduce((sum, { changes }) => sum + changes, 0),
    }
  }
}
