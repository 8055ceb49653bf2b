import {
  type Address,
  type ArmingChange,
  Credence,
  type CredenceChange,
  type Instant,
  NetworkSet,
  networkKey,
} from '@sallyport/rules'
import type { AccessLists } from './access.ts'
import { Backends } from './backends/backends.ts'
import type { GroupPlan } from './backends/plan.ts'
import type { Server } from './backends/server.ts'
import { Watch } from './backends/watch.ts'
import { Blocks } from './blocks.ts'
import { Census } from './census.ts'
import { CheckWatch } from './check-watch.ts'
import type { Config } from './config/config.ts'
import type { Connection } from './connection.ts'
import { Decisions } from './decisions/decisions.ts'
import { greetWaitOf, houseOf, weightsOf } from './house.ts'
import { IdSource } from './id.ts'
import { Load } from './load.ts'
import type { Log } from './log.ts'
import { Lookups } from './lookups/lookups.ts'
import { Memory } from './memory.ts'
import { Metrics } from './metrics.ts'
import { type House, Offer } from './session/house.ts'
import type { Asked } from './session/port.ts'
import { replies } from './session/replies.ts'
import type { Session } from './session/session.ts'
import { countSession } from './session-count.ts'
import { sentence, sessionLine, verdictOf } from './session-line.ts'
import type { Store } from './store/index.ts'
import type { Certificates } from './tls/certificates.ts'
import { Traps } from './traps.ts'
import { Wheel } from './wheel.ts'

/** Granularity of deadlines, ms. */
const tick = 50

/**
 * What all connections of a process share: the configuration in force and what was made of it, the census, the store, the
 * look-ups, the log and the metrics. A reload puts a new configuration in place; sessions that are under way keep their house.
 */
export class Gate {
  readonly clock = (): Instant => Math.floor(performance.now())
  readonly wheel = new Wheel(tick, this.clock)
  readonly census = new Census()
  readonly ids = new IdSource()
  readonly connections = new Set<Connection>()
  readonly traps = new Traps<Connection>({ sessions: 0, octets: 1 }, connection => this.letGo(connection))
  readonly load: Load
  readonly metrics: Metrics
  readonly log: Log
  readonly store: Store
  readonly memory: Memory
  readonly blocks = new Blocks(this.connections)
  readonly checks: CheckWatch
  readonly credence = new Credence(change => this.tellCredence(change))
  readonly offer: Offer
  readonly decisions: Decisions
  config: Config
  house: House
  readonly watch: Watch
  backends: Backends
  access: AccessLists
  certificates: Certificates
  draining = false
  /** It lets nobody in any more: sessions end as soon as they may. */
  emptying = false
  /** Called when a session finds a server in trouble, for the probe to look at once. */
  onTrouble: (server: Server) => void = () => {}
  lookups: Lookups
  private trusted: NetworkSet
  private probes: NetworkSet

  constructor(
    version: string,
    config: Config,
    plans: readonly GroupPlan[],
    access: AccessLists,
    certificates: Certificates,
    store: Store,
    log: Log,
  ) {
    this.log = log
    this.certificates = certificates
    this.store = store
    this.memory = new Memory(store)
    store.onBlock(names => this.blocks.note(names))
    this.checks = new CheckWatch(config.breaker, change => this.tellArming(change))
    this.decisions = new Decisions(log)
    this.access = access
    this.config = config
    this.traps.budget = config.trap
    this.load = new Load(config.load, load => this.tellLoad(load))
    this.watch = new Watch(this)
    this.backends = new Backends(plans, config.timeouts, this.watch, null)
    this.offer = new Offer(config.hostname)
    this.house = houseOf(config, this.backends, this.offer, this.load, this.silenced)
    this.lookups = this.lookupsOf(config)
    this.trusted = NetworkSet.of(config.trustedProxies)
    this.probes = NetworkSet.of(config.healthChecks)
    this.metrics = new Metrics(version, {
      connectionsOpen: () => this.census.open,
      connectionsLimit: () => this.config.limits.connections,
      draining: () => this.draining,
      trapped: () => this.traps.size,
      load: () => this.load,
      backendUp: () => this.backends.areUp,
      servers: () => this.backends.servers,
      backendWaiting: () => this.backends.waiting,
      logDropped: () => this.log.dropped,
      decisionsDropped: () => this.decisions.dropped,
      certificates: () => this.certificates,
      lists: () => this.lookups.health.lists,
      access: () => ({ ...this.access.entries, loadedAt: this.access.loadedAt }),
      store: () => this.store.health,
      askedAgain: () => this.blocks.askedAgain,
      ledger: () => this.checks.ledger,
      disarmed: () => this.checks.breakers.disarmed,
      disbelieved: () => this.credence.disbelieved(this.clock()),
    })
    this.lookups.health.start()
  }

  /** Puts a new configuration in place, for sessions to come. Listeners, the store and the backend's kind need a restart. */
  renew(config: Config, plans: readonly GroupPlan[], access: AccessLists, certificates: Certificates): void {
    this.access.stop()
    this.certificates.stop()
    this.certificates = certificates
    this.config = config
    this.traps.budget = config.trap
    this.load.limits = config.load
    this.backends = new Backends(plans, config.timeouts, this.watch, this.backends)
    this.access = access
    this.store.renew(weightsOf(config))
    this.house = houseOf(config, this.backends, this.offer, this.load, this.silenced)
    this.lookups.retire()
    this.lookups = this.lookupsOf(config)
    this.lookups.health.start()
    this.checks.breakers.renew(config.breaker)
    this.checks.breakers.source('dnsbl', true, this.clock())
    this.trusted = NetworkSet.of(config.trustedProxies)
    this.probes = NetworkSet.of(config.healthChecks)
    this.log.level(config.log.level)
  }

  /** Nothing is looked up, polled or told any more. Only for the end: what is under way at a reload is left to finish. */
  stop(): void {
    this.access.stop()
    this.certificates.stop()
    this.wheel.stop()
    this.load.stop()
    this.blocks.stop()
    this.lookups.stop()
  }

  isTrustedProxy(address: Address): boolean {
    return this.trusted.has(address)
  }

  isHealthCheck(address: Address): boolean {
    return this.probes.has(address)
  }

  /** The pause before the greeting, ms: that of the first network that holds the client, or the general one. */
  greetWait(address: Address): number {
    return greetWaitOf(this.config, address)
  }

  /** A server took `wait` ms to answer. */
  replied(to: Asked, wait: number): void {
    this.load.replied(to, wait)
    this.metrics.backendReply.observe(to, wait / 1000)
  }

  /** A trapped client has to leave for one that is more suspicious. */
  private letGo(connection: Connection): void {
    const { session } = connection
    if (session === null) return
    const text = replies.tooBusy(this.house.hostname, session.arrival.id)
    // In a turn of its own: this comes from within what another session is told.
    setImmediate(() => {
      if (session.isDone) return
      connection.drive(() => session.conclude('verdict', this.clock(), session.journal.refusal(text)))
    })
  }

  /** The end of a session, `server` the one that it had last: counted and logged, in this one place; `key`: under which its client is remembered. */
  conclude(session: Session, server: Server | null, key: string | null): void {
    const now = this.clock()
    const verdict = verdictOf(session)
    this.metrics.sessions.of(verdict).value++
    if (verdict === 'health' && session.journal.recipients === 0) {
      this.log.debug({ event: 'health', client: session.arrival.client.text }, 'health check')
      return
    }
    countSession(this.metrics, session, verdict)
    this.credence.note(session.facts, networkKey(session.arrival.client), now)
    const disbelieved = this.credence.disbelieved(now)
    if (!session.arrival.health) this.checks.note(session, this.metrics, now, disbelieved.size === 0)
    this.decisions.add(session)
    if (this.log.tells('info')) this.log.session(sessionLine(session, server?.name), sentence(session))
    if (key === null) return
    const { learnPrivate } = this.config.reputation
    this.memory.learn(session, key, { learnPrivate, proxies: this.trusted, disbelieved })
  }

  /** One line when clients begin to be turned away for the load, and one when they are not any more. */
  private tellLoad({ shed, reading }: Load): void {
    const fields = {
      event: 'load',
      event_loop_ms: Math.round(reading.eventLoop),
      backend_ms: Math.round(reading.backend),
    }
    if (shed > 0) this.log.warn(fields, 'under load: some unknown clients are asked to come back later')
    else this.log.info(fields, 'the load is over: nobody is turned away for it')
  }

  /** A check of the operator's own has shown itself unfit: it says nothing any more until the next reload. */
  private readonly silenced = (check: string, why: string): void => {
    this.metrics.ownChecksSilenced.inc({ check })
    this.log.error({ event: 'check', check, error: why }, 'a check of your own is silenced until the next reload')
  }

  /** Our own fault: counted and logged. */
  fault(fault: unknown, session: Session | null): void {
    this.metrics.faults.inc()
    const error = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
    const where = { event: 'fault', id: session?.arrival.id, phase: session?.phase.name, error }
    this.log.error(where, 'internal error in a session')
  }

  /** A check is disarmed, or acts again. */
  private tellArming({ check, reason, proxy }: ArmingChange): void {
    const event = { event: 'breaker', check, proxy: proxy ?? undefined, reason: reason ?? undefined }
    if (reason === null) this.log.warn(event, 'the check acts again')
    else this.log.error(event, 'the check only observes for now: its breaker has found it unreliable')
  }

  /** The backend's refusals of one kind begin to teach nothing, or teach again. */
  private tellCredence({ word, isBelieved }: CredenceChange): void {
    const event = { event: 'credence', word }
    if (isBelieved) this.log.warn(event, 'the backend takes mail of good clients again: its refusals teach again')
    else
      this.log.error(event, 'the backend refuses clients with a good name in bulk: such refusals teach nothing for now')
  }

  private lookupsOf(config: Config): Lookups {
    return new Lookups(config, {
      dnsbl: (zone, result) => this.metrics.dnsblLookups.inc({ zone, result }),
      health: (list, fault) => {
        const event = { event: 'dnsbl', list }
        if (fault === '') this.log.info(event, 'the DNS list is well again')
        else this.log.error({ ...event, fault }, 'the DNS list is not asked while its test fails')
        this.checks.breakers.source('dnsbl', this.lookups.health.suffices, this.clock())
      },
      fault: fault => this.fault(fault, null),
    })
  }
}
