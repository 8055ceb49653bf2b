import { type Address, type ArmingChange, contains, type Instant, NetworkSet, Plans } from '@sallyport/rules'
import type { AccessLists } from './access.ts'
import { Backends } from './backends/backends.ts'
import type { GroupPlan } from './backends/plan.ts'
import type { Server } from './backends/server.ts'
import { Watch } from './backends/watch.ts'
import { Census } from './census.ts'
import { CheckWatch } from './check-watch.ts'
import type { Config } from './config/config.ts'
import type { Connection } from './connection.ts'
import { IdSource } from './id.ts'
import type { Log } from './log.ts'
import { Lookups } from './lookups/lookups.ts'
import { Memory } from './memory.ts'
import { Metrics } from './metrics.ts'
import { type House, Offer } from './session/house.ts'
import type { Ask } from './session/port.ts'
import { replies } from './session/replies.ts'
import type { Session } from './session/session.ts'
import { TrapRecipients } from './session/trap-recipients.ts'
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
  readonly traps = new Traps<Session>(0)
  readonly metrics: Metrics
  readonly log: Log
  readonly store: Store
  readonly memory: Memory
  readonly checks: CheckWatch
  readonly offer: Offer
  config: Config
  house: House
  readonly watch: Watch
  backends: Backends
  access: AccessLists
  certificates: Certificates
  draining = false
  /** Called when a session finds a server in trouble, for the probe to look at once. */
  onTrouble: (server: Server) => void = () => {}
  private lookups: Lookups
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
    this.checks = new CheckWatch(config.breaker, change => this.tellArming(change))
    this.access = access
    this.config = config
    this.traps.places = config.trap.sessions
    this.watch = new Watch(this)
    this.backends = new Backends(plans, config.timeouts, this.watch, null)
    this.offer = new Offer(config.hostname)
    this.house = houseOf(config, this.backends, this.offer)
    this.lookups = this.lookupsOf(config)
    this.trusted = NetworkSet.of(config.trustedProxies)
    this.probes = NetworkSet.of(config.healthChecks)
    this.metrics = new Metrics(version, {
      connectionsOpen: () => this.census.open,
      connectionsLimit: () => this.config.limits.connections,
      draining: () => this.draining,
      trapped: () => this.traps.size,
      backendUp: () => this.backends.areUp,
      servers: () => this.backends.servers,
      backendWaiting: () => this.backends.waiting,
      logDropped: () => this.log.dropped,
      certificates: () => this.certificates,
      lists: () => this.lookups.health.lists,
      access: () => ({ ...this.access.entries, loadedAt: this.access.loadedAt }),
      store: () => this.store.health,
      ledger: () => this.checks.ledger,
      disarmed: () => this.checks.breakers.disarmed,
    })
    this.lookups.health.start()
  }

  /** Puts a new configuration in place, for sessions to come. Listeners, the store and the backend's kind need a restart. */
  renew(config: Config, plans: readonly GroupPlan[], access: AccessLists, certificates: Certificates): void {
    this.access.stop()
    this.certificates.stop()
    this.certificates = certificates
    this.config = config
    this.traps.places = config.trap.sessions
    this.backends = new Backends(plans, config.timeouts, this.watch, this.backends)
    this.access = access
    this.house = houseOf(config, this.backends, this.offer)
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
    const { networks, wait } = this.config.greet
    return networks.find(({ network }) => contains(network, address))?.wait ?? wait
  }

  /** Finds out what a session asks. The answer comes in a later turn, never from within this call. */
  ask(connection: Connection, ask: Ask): void {
    const { session } = connection
    if (session === null) return
    switch (ask) {
      case 'recall':
        void this.memory.recall(connection.key ?? '', connection.ends.client).then(recalled => {
          connection.drive(() => session.answer(recalled, this.clock()))
        })
        return
      case 'identity':
        void this.memory.recallIdentity(session).then(repute => {
          if (repute !== null) connection.drive(() => session.answer({ ask, repute }, this.clock()))
        })
        return
      case 'dnsbl':
        this.lookups.dnsbl.ask(connection.ends.client, finding => {
          connection.drive(() => session.answer({ ask, finding }, this.clock()))
        })
        return
      case 'reverse-name':
        this.lookups.reverseName.ask(connection.ends.client, name => {
          connection.drive(() => session.answer({ ask, name }, this.clock()))
          if (name.kind === 'confirmed') this.ask(connection, 'identity')
        })
        return
      case 'greylist':
        void this.memory.greylist(session).then(found => {
          if (found !== null) connection.drive(() => session.answer({ ask, ...found }, this.clock()))
        })
        return
      case 'hello-name': {
        const hello = session.facts.hello ?? ''
        this.lookups.helloName(hello, found => {
          connection.drive(() => session.answer({ ask, hello, found }, this.clock()))
        })
        return
      }
      case 'sender-domain': {
        const sender = session.facts.sender ?? ''
        this.lookups.senderDomain(sender, found => {
          connection.drive(() => session.answer({ ask, sender, found }, this.clock()))
        })
        return
      }
      case 'spf': {
        const about = { sender: session.facts.sender ?? '', hello: session.facts.hello ?? '' }
        this.lookups.spf.ask(connection.ends.client, about, finding => {
          connection.drive(() => session.answer({ ask, ...about, finding }, this.clock()))
          if (finding.result === 'pass') this.ask(connection, 'identity')
        })
        return
      }
      default:
        ask satisfies never
    }
  }

  /** A place in the trap for a session, if there is one for so much suspicion; another may have to leave for it. */
  trap(connection: Connection, suspicion: number): boolean {
    const { session } = connection
    if (session === null) return false
    return this.traps.take(session, suspicion, () => {
      const text = replies.tooBusy(this.house.hostname, session.arrival.id)
      connection.drive(() => session.conclude('verdict', this.clock(), text))
    })
  }

  /** The end of a session, `server` the one that it had last: counted and logged, in this one place. */
  conclude(session: Session, server: Server | null): void {
    const verdict = verdictOf(session)
    this.metrics.sessions.inc({ verdict })
    if (verdict === 'health' && session.journal.recipients === 0) {
      this.log.debug({ event: 'health', client: session.arrival.client.text }, 'health check')
      return
    }
    countSession(this.metrics, session, verdict)
    if (!session.arrival.health) this.checks.note(session, this.metrics, this.clock())
    if (!this.log.tells('info')) return
    this.log.session({ ...sessionLine(session), backend: server?.name }, sentence(session))
  }

  /** What the session taught of its client. */
  learn(session: Session, key: string): void {
    const { learnPrivate } = this.config.reputation
    this.memory.learn(session, key, { learnPrivate, proxies: this.trusted })
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

function houseOf(config: Config, backends: Backends, offer: Offer): House {
  const asksLists = config.dnsbl.zones.length > 0
  const policy = asksLists
    ? config.policy
    : { ...config.policy, checks: { ...config.policy.checks, dnsbl: { enabled: false } } }
  return {
    hostname: config.hostname,
    plans: new Plans(policy),
    offer,
    waits: config.timeouts,
    limits: config.limits,
    recipientDomains: config.recipientDomains.length > 0 ? new Set(config.recipientDomains) : null,
    traps: new TrapRecipients(config.trapRecipients),
    routes: backends.routes,
    connect: config.backend.connect,
    auth: config.backend.auth,
    verbs: config.extensions.verbs === 'any' ? null : new Set(config.extensions.verbs),
    withhold: new Set(config.extensions.withhold),
    xclient: backends.useXclient,
    trap: config.trap,
    bareNewline: config.message.bareNewline,
  }
}
