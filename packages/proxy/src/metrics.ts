import { checks, type LoadReading } from '@sallyport/rules'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { queueResults } from './backends/group.ts'
import { Durations } from './durations.ts'
import type { Asked } from './session/port.ts'
import { type SessionVerdict, verdicts } from './session-line.ts'
import type { StoreHealth } from './store/index.ts'
import type { Certificates } from './tls/certificates.ts'

const fast = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]
const session = [0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800]
const delay = [0.01, 0.05, 0.1, 0.5, 1, 2, 4, 6, 8, 10, 15, 20, 30]

/** prom-client's default gauges that end in `_total`, which only counters may. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** One of the servers behind the gate, under the name that the operator gave it. */
export interface ServerReading {
  readonly name: string
  readonly up: boolean
  /** Connections to it now. */
  readonly open: number
  /** How often it was left out after a failure. */
  readonly ejected: number
}

/** What is read at the moment of a scrape instead of being counted along. */
export interface Readings {
  connectionsOpen(): number
  connectionsLimit(): number
  draining(): boolean
  /** Clients that are trapped now. */
  trapped(): number
  load(): { readonly shed: number; readonly reading: LoadReading }
  backendUp(): boolean
  servers(): readonly ServerReading[]
  backendWaiting(): number
  logDropped(): number
  /** Decision records that could not be written. */
  decisionsDropped(): number
  /** Networks on the operator's lists, and when one was last read (seconds since 1970). */
  access(): { readonly allow: number; readonly deny: number; readonly loadedAt: number }
  /** DNS lists by their public names. */
  lists(): readonly { readonly name: string; readonly healthy: boolean }[]
  certificates(): Pick<Certificates, 'expiries' | 'isCurrent'>
  store(): StoreHealth
}

/** All metrics. Labels come from fixed sets only: never an address, a name or a text that a client sent. */
export class Metrics {
  private readonly registry = new Registry()
  private readonly process = new Registry()

  readonly connections: Counter
  readonly connectionsRefused: Counter<'reason'>
  readonly faults: Counter
  readonly sessions: Counter<'verdict'>
  readonly sessionSeconds = new Durations<SessionVerdict>(
    'sallyport_session_seconds',
    'From accept to the end of the session.',
    'verdict',
    verdicts,
    session,
  )
  readonly addedDelay = new Durations<'new' | 'known' | 'allowed'>(
    'sallyport_added_delay_seconds',
    'From accept to the greeting, of sessions that passed.',
    'client',
    ['new', 'known', 'allowed'],
    delay,
  )
  readonly patience = new Durations<'new' | 'known' | 'suspect'>(
    'sallyport_patience_seconds',
    'Until a client hung up during a pause, a delay or in the trap.',
    'class',
    ['new', 'known', 'suspect'],
    session,
  )
  readonly checks: Counter<'check' | 'outcome' | 'action'>
  readonly checksDisarmed: Counter<'check'>
  readonly replies: Counter<'code'>
  readonly messages: Counter<'result'>
  readonly relayed: Counter<'direction'>
  readonly backendConnections: Counter<'result'>
  readonly backendQueue: Counter<'result'>
  readonly backendReply = new Durations<Asked>(
    'sallyport_backend_reply_seconds',
    'Time the backend took to answer.',
    'command',
    ['connect', 'hello', 'mail', 'rcpt', 'data', 'dot', 'other'],
    fast,
  )
  readonly dnsblLookups: Counter<'zone' | 'result'>
  readonly proxyHeaders: Counter<'result'>
  readonly tlsHandshakes: Counter<'side' | 'result'>
  readonly reloadSuccessful: Gauge

  constructor(version: string, readings: Readings) {
    const registers = [this.registry]
    const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
      new Counter<Label>({ name: `sallyport_${name}`, help, labelNames: [...labelNames], registers })
    this.connections = counter('connections_total', 'Clients connected, without health checks.', [])
    this.connectionsRefused = counter('connections_refused_total', 'Clients turned away before a session began.', [
      'reason',
    ])
    this.faults = counter('faults_total', "Internal errors: the gate's own fault, each one in the log.", [])
    this.sessions = counter('sessions_total', 'Sessions that ended, one verdict each.', ['verdict'])
    this.checks = counter('checks_total', 'Outcomes of checks and the action in force.', ['check', 'outcome', 'action'])
    this.checksDisarmed = counter(
      'checks_disarmed_total',
      'Own checks that threw, or were slow, and say nothing since.',
      ['check'],
    )
    this.replies = counter('replies_total', "Refusals of the gate's own.", ['code'])
    this.messages = counter('messages_total', 'Messages by the reply to their end of data.', ['result'])
    this.relayed = counter('relayed_bytes_total', 'Octets passed on.', ['direction'])
    this.backendConnections = counter('backend_connections_total', 'Attempts to reach a backend.', ['result'])
    this.backendQueue = counter('backend_queue_total', 'Sessions that had to wait for a connection to a backend.', [
      'result',
    ])
    this.dnsblLookups = counter('dnsbl_lookups_total', 'Answers of DNS lists.', ['zone', 'result'])
    this.proxyHeaders = counter('proxy_headers_total', 'PROXY headers of trusted proxies.', ['result'])
    this.tlsHandshakes = counter('tls_handshakes_total', 'TLS handshakes that ended.', ['side', 'result'])
    this.reloadSuccessful = new Gauge({
      name: 'sallyport_config_reload_successful',
      help: 'Whether the latest reload of the configuration was taken.',
      registers,
    })
    this.reloadSuccessful.set(1)
    this.readAtScrape(readings)
    new Gauge({ name: 'sallyport_build_info', help: 'Always 1.', labelNames: ['version', 'node'], registers }).set(
      { version, node: process.version },
      1,
    )
    this.prepare()
    collectDefaultMetrics({ register: this.process })
    for (const name of misnamed) this.process.removeSingleMetric(name)
  }

  get contentType(): string {
    return this.registry.contentType
  }

  async text(): Promise<string> {
    const durations = [this.sessionSeconds, this.addedDelay, this.patience, this.backendReply].map(histogram =>
      histogram.text(),
    )
    return `${await this.registry.metrics()}\n${durations.join('')}${await this.process.metrics()}`
  }

  private readAtScrape(readings: Readings): void {
    const registers = [this.registry]
    const gauge = (name: string, help: string, read: () => number) => {
      new Gauge({
        name: `sallyport_${name}`,
        help,
        registers,
        collect() {
          this.set(read())
        },
      })
    }
    gauge('connections_open', 'Connections now.', readings.connectionsOpen)
    gauge('connections_limit', 'Connections at most.', readings.connectionsLimit)
    gauge('trapped_clients', 'Clients that are trapped now.', readings.trapped)
    gauge('load_shed_share', 'The share of unknown clients that is turned away.', () => readings.load().shed)
    gauge('load_event_loop_seconds', 'How late the event loop is.', () => readings.load().reading.eventLoop / 1000)
    gauge(
      'load_backend_seconds',
      'How long the backend takes of late to answer.',
      () => readings.load().reading.backend / 1000,
    )
    gauge('draining', 'Whether the gate is about to stop.', () => Number(readings.draining()))
    gauge(
      'backend_up',
      'Whether the backend, and that of each route, has a server that answered when last asked.',
      () => Number(readings.backendUp()),
    )
    gauge('backend_queue_length', 'Sessions that wait for a connection to a backend.', readings.backendWaiting)
    this.readServers(readings)
    gauge('store_up', 'Whether the store answers; 0: local state only.', () => Number(readings.store().up))
    gauge('store_clients', 'Clients remembered in this process.', () => readings.store().clients)
    gauge('access_allowed_networks', 'Networks on the allow list.', () => readings.access().allow)
    gauge('access_denied_networks', 'Networks on the deny list.', () => readings.access().deny)
    gauge('access_loaded_timestamp_seconds', 'When a list was last read.', () => readings.access().loadedAt)
    gauge('tls_certificates_current', 'Whether the certificates in force are those that lie in the files.', () =>
      Number(readings.certificates().isCurrent),
    )
    new Gauge({
      name: 'sallyport_tls_certificate_expiry_timestamp_seconds',
      help: 'When a certificate in force expires.',
      labelNames: ['certificate'],
      registers,
      collect() {
        this.reset()
        for (const { certificate, at } of readings.certificates().expiries) this.set({ certificate }, at)
      },
    })
    new Gauge({
      name: 'sallyport_dnsbl_list_healthy',
      help: 'Whether the DNS list answers its test points as a list does; 0: it is not asked.',
      labelNames: ['zone'],
      registers,
      collect() {
        this.reset()
        for (const { name, healthy } of readings.lists()) this.set({ zone: name }, Number(healthy))
      },
    })
    const operations = new Counter({
      name: 'sallyport_store_operations_total',
      help: 'Operations of the store; local: answered from this process because the shared store is away.',
      labelNames: ['operation', 'result'],
      registers,
      collect() {
        const health = readings.store()
        this.reset()
        this.inc({ operation: 'recall', result: 'ok' }, health.recalls - health.recallErrors - health.fallbacks)
        this.inc({ operation: 'recall', result: 'error' }, health.recallErrors)
        this.inc({ operation: 'recall', result: 'local' }, health.fallbacks)
        this.inc({ operation: 'remember', result: 'ok' }, health.remembers - health.rememberErrors)
        this.inc({ operation: 'remember', result: 'error' }, health.rememberErrors)
      },
    })
    operations.reset()
    const dropped = (name: string, help: string, read: () => number) => {
      const counter = new Counter({
        name: `sallyport_${name}_dropped_total`,
        help,
        registers,
        collect() {
          this.reset()
          this.inc(read())
        },
      })
      counter.reset()
    }
    dropped('log', 'Log lines dropped because their reader was too slow.', readings.logDropped)
    dropped('decisions', 'Decision records dropped: the disk was full, or too slow.', readings.decisionsDropped)
  }

  private readServers({ servers }: Readings): void {
    const gauge = (name: string, help: string, read: (server: ServerReading) => number) => {
      new Gauge({
        name: `sallyport_${name}`,
        help,
        labelNames: ['backend'],
        registers: [this.registry],
        collect() {
          this.reset()
          for (const server of servers()) this.set({ backend: server.name }, read(server))
        },
      })
    }
    gauge('backend_server_up', 'Whether the server answered when last asked.', ({ up }) => Number(up))
    gauge('backend_server_connections', 'Connections to the server now.', ({ open }) => open)
    const ejections = new Counter({
      name: 'sallyport_backend_server_ejections_total',
      help: 'Times a server was left out after a failure.',
      labelNames: ['backend'],
      registers: [this.registry],
      collect() {
        this.reset()
        for (const { name, ejected } of servers()) this.inc({ backend: name }, ejected)
      },
    })
    ejections.reset()
  }

  /** Known label sets begin at 0, so that the first event shows in a rate. */
  private prepare(): void {
    for (const verdict of verdicts) this.sessions.inc({ verdict }, 0)
    for (const reason of ['limit', 'per_client', 'proxy_header', 'draining']) this.connectionsRefused.inc({ reason }, 0)
    for (const result of ['accepted', 'deferred', 'refused', 'aborted']) this.messages.inc({ result }, 0)
    for (const result of ['ok', 'declined', 'refused', 'timeout', 'greeting', 'tls', 'identity', 'error']) {
      this.backendConnections.inc({ result }, 0)
    }
    for (const result of queueResults) this.backendQueue.inc({ result }, 0)
    for (const direction of ['to_backend', 'to_client']) this.relayed.inc({ direction }, 0)
    for (const side of ['client', 'backend']) {
      for (const result of ['ok', 'failed', 'timeout']) this.tlsHandshakes.inc({ side, result }, 0)
    }
    for (const check of checks) this.checks.inc({ check: check.name, outcome: 'fail', action: check.action }, 0)
  }
}
