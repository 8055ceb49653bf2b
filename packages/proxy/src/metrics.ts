import { type CheckName, checks, disarmReasons, type LedgerRow, precisionWords } from '@sallyport/rules'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { queueResults } from './backends/group.ts'
import { Counts } from './counts.ts'
import { Durations } from './durations.ts'
import type { Readings, ServerReading } from './readings.ts'
import { type Asked, type Reached, reachedResults } from './session/port.ts'
import { type SessionVerdict, verdicts } from './session-line.ts'

const fast = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]
const session = [0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800]
const delay = [0.01, 0.05, 0.1, 0.5, 1, 2, 4, 6, 8, 10, 15, 20, 30]
/** Deferred mail comes again after minutes or hours. */
const retry = [0.5, 1, 2, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14_400, 43_200, 86_400]

/** prom-client's default gauges that end in `_total`, which only counters may. */
const misnamed = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** All metrics. Labels come from fixed sets only: never an address, a name or a text that a client sent. */
export class Metrics {
  private readonly registry = new Registry()
  private readonly process = new Registry()

  /** Clients connected, without health checks. */
  connections = 0
  readonly connectionsRefused: Counter<'reason'>
  readonly faults: Counter
  readonly sessions = new Counts<[SessionVerdict]>(
    'sallyport_sessions_total',
    'Sessions that ended, one verdict each.',
    ['verdict'],
  )
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
  readonly checkDelay = new Durations<CheckName | 'delays'>(
    'sallyport_check_delay_seconds',
    'How long mail that was accepted in the end was kept waiting for a check, by its deferral or the pause before the greeting, or by the delays of the policy.',
    'check',
    'open',
    retry,
  )
  readonly patience = new Durations<'new' | 'known' | 'suspect'>(
    'sallyport_patience_seconds',
    'Until a client hung up during a pause, a delay or in the trap.',
    'class',
    ['new', 'known', 'suspect'],
    session,
  )
  readonly checks = new Counts<[check: CheckName, outcome: string, action: string]>(
    'sallyport_checks_total',
    'Outcomes of checks and the action in force.',
    ['check', 'outcome', 'action'],
  )
  readonly checksDisarmed: Counter<'check'>
  readonly replies: Counter<'code'>
  readonly messages = new Counts<['accepted' | 'deferred' | 'refused' | 'aborted']>(
    'sallyport_messages_total',
    'Messages by the reply to their end of data.',
    ['result'],
  )
  readonly relayed = new Counts<['to_backend' | 'to_client']>('sallyport_relayed_bytes_total', 'Octets passed on.', [
    'direction',
  ])
  readonly backendConnections = new Counts<[Reached]>(
    'sallyport_backend_connections_total',
    'Attempts to reach a backend.',
    ['result'],
  )
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
    this.connectionsRefused = counter('connections_refused_total', 'Clients turned away before a session began.', [
      'reason',
    ])
    this.faults = counter('faults_total', "Internal errors: the gate's own fault, each one in the log.", [])
    this.checksDisarmed = counter(
      'checks_disarmed_total',
      'Own checks that threw, or were slow, and say nothing since.',
      ['check'],
    )
    this.replies = counter('replies_total', "Refusals of the gate's own.", ['code'])
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
    const counted = [this.sessions, this.checks, this.messages, this.relayed, this.backendConnections]
    const durations = [this.sessionSeconds, this.addedDelay, this.backendReply, this.checkDelay, this.patience]
    const ours = [...counted, ...durations].map(metric => metric.text())
    return `${await this.registry.metrics()}\n${ours.join('')}${await this.process.metrics()}`
  }

  private readAtScrape(readings: Readings): void {
    const gauge = (name: string, help: string, value: () => number) =>
      this.read(Gauge, name, help, [], () => [[{}, value()]])
    this.read(Counter, 'connections_total', 'Clients connected, without health checks.', [], () => [
      [{}, this.connections],
    ])
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
    this.read(
      Gauge,
      'tls_certificate_expiry_timestamp_seconds',
      'When a certificate in force expires.',
      ['certificate'],
      () => readings.certificates().expiries.map(({ certificate, at }) => [{ certificate }, at]),
    )
    this.read(
      Gauge,
      'dnsbl_list_healthy',
      'Whether the DNS list answers its test points as a list does; 0: it is not asked.',
      ['zone'],
      () => readings.lists().map(({ name, healthy }) => [{ zone: name }, Number(healthy)]),
    )
    this.read(
      Counter,
      'store_operations_total',
      'Operations of the store; local: answered from this process because the shared store is away.',
      ['operation', 'result'],
      () => {
        const { recalls, recallErrors, fallbacks, remembers, rememberErrors } = readings.store()
        return [
          [{ operation: 'recall', result: 'ok' }, recalls - recallErrors - fallbacks],
          [{ operation: 'recall', result: 'error' }, recallErrors],
          [{ operation: 'recall', result: 'local' }, fallbacks],
          [{ operation: 'remember', result: 'ok' }, remembers - rememberErrors],
          [{ operation: 'remember', result: 'error' }, rememberErrors],
        ]
      },
    )
    const dropped = (name: string, help: string, value: () => number) =>
      this.read(Counter, `${name}_dropped_total`, help, [], () => [[{}, value()]])
    dropped('log', 'Log lines dropped because their reader was too slow.', readings.logDropped)
    dropped('decisions', 'Decision records dropped: the disk was full, or too slow.', readings.decisionsDropped)
    this.readChecks(readings)
  }

  private readServers({ servers }: Readings): void {
    const labels = ['backend'] as const
    const each = (value: (server: ServerReading) => number) => () =>
      servers().map(server => [{ backend: server.name }, value(server)] as const)
    const up = each(server => Number(server.up))
    this.read(Gauge, 'backend_server_up', 'Whether the server answered when last asked.', labels, up)
    const open = each(server => server.open)
    this.read(Gauge, 'backend_server_connections', 'Connections to the server now.', labels, open)
    const ejected = each(server => server.ejected)
    const help = 'Times a server was left out after a failure.'
    this.read(Counter, 'backend_server_ejections_total', help, labels, ejected)
  }

  private readChecks({ ledger, disarmed }: Readings): void {
    const labels = ['check'] as const
    // Those of the operator's own come with what they have done.
    const names = () => new Set<CheckName>([...checks.map(({ name }) => name), ...ledger().rows.keys()])
    const each = (value: (row: LedgerRow) => number) => () =>
      [...names()].map(name => [{ check: name }, value(ledger().rowOf(name))] as const)
    this.read(
      Counter,
      'check_precision_total',
      'Sessions that a check failed, by what the backend then said: true, it refused, too; false, it took a message.',
      ['check', 'word'],
      () =>
        checks.flatMap(({ name }) => precisionWords.map(word => [{ check: name, word }, ledger().rowOf(name)[word]])),
    )
    const saved = 'by turning clients away for a check'
    const connections = each(row => row.connections)
    this.read(
      Counter,
      'check_saved_connections_total',
      `Backend connections not opened, ${saved}.`,
      labels,
      connections,
    )
    const octets = each(row => row.octets)
    this.read(Counter, 'check_saved_bytes_total', `Octets of messages not taken, ${saved}; estimated.`, labels, octets)
    const seconds = each(row => row.seconds)
    this.read(Counter, 'check_saved_seconds_total', `Seconds of a backend saved, ${saved}; estimated.`, labels, seconds)
    this.read(
      Gauge,
      'check_disarmed',
      'Whether a check only observes because it is not to be relied on: for all clients, or (proxy) those of so many proxies.',
      ['check', 'reason'],
      () => {
        const changes = disarmed()
        const count = (check: string, reason: string) =>
          changes.filter(change => change.check === check && change.reason === reason).length
        return [...names()].flatMap(name =>
          disarmReasons.map(reason => [{ check: name, reason }, count(name, reason)] as const),
        )
      },
    )
  }

  /** Values that are read at the scrape. */
  private read<Label extends string>(
    Kind: typeof Gauge | typeof Counter,
    name: string,
    help: string,
    labelNames: readonly Label[],
    values: () => readonly (readonly [Readonly<Partial<Record<Label, string>>>, number])[],
  ): void {
    const metric = new Kind<Label>({
      name: `sallyport_${name}`,
      help,
      labelNames: [...labelNames],
      registers: [this.registry],
      collect() {
        metric.reset()
        for (const [labels, value] of values()) metric.inc({ ...labels }, value)
      },
    })
    metric.reset()
  }

  /** Known label sets begin at 0, so that the first event shows in a rate. */
  private prepare(): void {
    for (const verdict of verdicts) this.sessions.of(verdict)
    for (const reason of ['limit', 'per_client', 'proxy_header', 'draining']) this.connectionsRefused.inc({ reason }, 0)
    for (const result of ['accepted', 'deferred', 'refused', 'aborted'] as const) this.messages.of(result)
    for (const result of reachedResults) this.backendConnections.of(result)
    for (const result of queueResults) this.backendQueue.inc({ result }, 0)
    for (const direction of ['to_backend', 'to_client'] as const) this.relayed.of(direction)
    for (const side of ['client', 'backend']) {
      for (const result of ['ok', 'failed', 'timeout']) this.tlsHandshakes.inc({ side, result }, 0)
    }
    for (const { name, action } of checks) this.checks.of(name, 'fail', action)
  }
}
