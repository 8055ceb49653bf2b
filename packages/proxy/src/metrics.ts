import { type CheckName, checks } from '@sallyport/rules'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { queueResults } from './backends/group.ts'
import { Counts } from './counts.ts'
import { Durations } from './durations.ts'
import type { Readings } from './readings.ts'
import { readAtScrape, type Values } from './scrape.ts'
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
  readonly ownChecksSilenced: Counter<'check'>
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
    this.ownChecksSilenced = counter(
      'own_checks_silenced_total',
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
    readAtScrape(
      (kind, name, help, labels, values) => this.read(kind, name, help, labels, values),
      readings,
      () => this.connections,
    )
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

  /** Values that are read at the scrape. */
  private read<Label extends string>(
    kind: 'gauge' | 'counter',
    name: string,
    help: string,
    labelNames: readonly Label[],
    values: Values<Label>,
  ): void {
    const Kind: typeof Gauge | typeof Counter = kind === 'gauge' ? Gauge : Counter
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
    for (const reason of ['limit', 'per_client', 'per_network', 'proxy_header'])
      this.connectionsRefused.inc({ reason }, 0)
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
