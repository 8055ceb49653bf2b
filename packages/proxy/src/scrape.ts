import { type CheckName, checks, disarmReasons, type LedgerRow, precisionWords, teachingWords } from '@sallyport/rules'
import type { Readings, ServerReading } from './readings.ts'

/** Label values and the number for them, asked for at each scrape. */
export type Values<Label extends string> = () => readonly (readonly [
  Readonly<Partial<Record<Label, string>>>,
  number,
])[]

/** Makes a metric whose values are read at the scrape. */
type Read = <Label extends string>(
  kind: 'gauge' | 'counter',
  name: string,
  help: string,
  labels: readonly Label[],
  values: Values<Label>,
) => void

/** What is not counted along, but read at the moment of a scrape. `connections`: clients so far. */
export function readAtScrape(read: Read, readings: Readings, connections: () => number): void {
  const gauge = (name: string, help: string, value: () => number) =>
    read('gauge', name, help, [], () => [[{}, value()]])
  read('counter', 'connections_total', 'Clients connected, without health checks.', [], () => [[{}, connections()]])
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
  gauge('backend_up', 'Whether the backend, and that of each route, has a server that answered when last asked.', () =>
    Number(readings.backendUp()),
  )
  gauge('backend_queue_length', 'Sessions that wait for a connection to a backend.', readings.backendWaiting)
  readServers(read, readings)
  gauge('store_up', 'Whether the store answers; 0: local state only.', () => Number(readings.store().up))
  gauge('store_clients', 'Clients remembered in this process.', () => readings.store().clients)
  gauge('access_allowed_networks', 'Networks on the allow list.', () => readings.access().allow)
  gauge('access_denied_networks', 'Networks on the deny list.', () => readings.access().deny)
  gauge('access_loaded_timestamp_seconds', 'When a list was last read.', () => readings.access().loadedAt)
  gauge('tls_certificates_current', 'Whether the certificates in force are those that lie in the files.', () =>
    Number(readings.certificates().isCurrent),
  )
  read(
    'gauge',
    'tls_certificate_expiry_timestamp_seconds',
    'When a certificate in force expires.',
    ['certificate'],
    () => readings.certificates().expiries.map(({ certificate, at }) => [{ certificate }, at]),
  )
  read(
    'gauge',
    'dnsbl_list_healthy',
    'Whether the DNS list answers its test points as a list does; 0: it is not asked.',
    ['zone'],
    () => readings.lists().map(({ name, healthy }) => [{ zone: name }, Number(healthy)]),
  )
  read(
    'counter',
    'store_operations_total',
    'Operations of the store; error: the shared store refused or failed, and this process answered; local: this process answered without it.',
    ['operation', 'result'],
    () => {
      const { recalls, recallErrors, fallbacks, remembers, rememberErrors } = readings.store()
      return [
        [{ operation: 'recall', result: 'ok' }, recalls - fallbacks],
        [{ operation: 'recall', result: 'error' }, recallErrors],
        [{ operation: 'recall', result: 'local' }, fallbacks - recallErrors],
        [{ operation: 'remember', result: 'ok' }, remembers],
        [{ operation: 'remember', result: 'error' }, rememberErrors],
      ]
    },
  )
  read(
    'counter',
    'store_blocks_total',
    'Names of clients that were blocked: told to other gates, heard of them, and dropped because they were too many.',
    ['event'],
    () => {
      const { blocksTold, blocksHeard, blocksDropped } = readings.store()
      return [
        [{ event: 'told' }, blocksTold],
        [{ event: 'heard' }, blocksHeard],
        [{ event: 'dropped' }, blocksDropped],
      ]
    },
  )
  read(
    'counter',
    'sessions_asked_again_total',
    'Open sessions whose client was blocked meanwhile, here or elsewhere.',
    [],
    () => [[{}, readings.askedAgain()]],
  )
  const dropped = (name: string, help: string, value: () => number) =>
    read('counter', `${name}_dropped_total`, help, [], () => [[{}, value()]])
  dropped('log', 'Log lines dropped because their reader was too slow.', readings.logDropped)
  dropped('decisions', 'Decision records dropped: the disk was full, or too slow.', readings.decisionsDropped)
  readChecks(read, readings)
}

function readServers(read: Read, { servers }: Readings): void {
  const labels = ['backend'] as const
  const each = (value: (server: ServerReading) => number) => () =>
    servers().map(server => [{ backend: server.name }, value(server)] as const)
  const up = each(server => Number(server.up))
  read('gauge', 'backend_server_up', 'Whether the server answered when last asked.', labels, up)
  const open = each(server => server.open)
  read('gauge', 'backend_server_connections', 'Connections to the server now.', labels, open)
  const ejected = each(server => server.ejected)
  const help = 'Times a server was left out after a failure.'
  read('counter', 'backend_server_ejections_total', help, labels, ejected)
}

function readChecks(read: Read, { ledger, disarmed, disbelieved }: Readings): void {
  readCredence(read, disbelieved)
  const labels = ['check'] as const
  // Those of the operator's own come with what they have done.
  const names = () => new Set<CheckName>([...checks.map(({ name }) => name), ...ledger().rows.keys()])
  const each = (value: (row: LedgerRow) => number) => () =>
    [...names()].map(name => [{ check: name }, value(ledger().rowOf(name))] as const)
  read(
    'counter',
    'check_precision_total',
    'Sessions that a check failed, by what the backend then said: true, it refused, too; false, it took a message.',
    ['check', 'word'],
    () => [...names()].flatMap(name => precisionWords.map(word => [{ check: name, word }, ledger().rowOf(name)[word]])),
  )
  const saved = 'by turning clients away for a check'
  const connections = each(row => row.connections)
  read('counter', 'check_saved_connections_total', `Backend connections not opened, ${saved}.`, labels, connections)
  const octets = each(row => row.octets)
  read('counter', 'check_saved_bytes_total', `Octets of messages not taken, ${saved}; estimated.`, labels, octets)
  const seconds = each(row => row.seconds)
  read('counter', 'check_saved_seconds_total', `Seconds of a backend saved, ${saved}; estimated.`, labels, seconds)
  read(
    'gauge',
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

function readCredence(read: Read, disbelieved: Readings['disbelieved']): void {
  read(
    'gauge',
    'backend_refusals_disbelieved',
    'Whether refusals of the backend for this reason teach nothing, because it refuses clients with a good name in bulk.',
    ['word'],
    () => teachingWords.map(word => [{ word: word.replace(' ', '_') }, Number(disbelieved().has(word))] as const),
  )
}
