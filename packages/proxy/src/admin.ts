import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { checkRows, checkTable } from './check-table.ts'
import type { Endpoint } from './config/config.ts'
import type { Gate } from './gate.ts'

/**
 * The admin port: `/metrics` for Prometheus, `/healthz` (the process turns) and `/readyz` (it takes connections); `/checks` says what the
 * checks have done, as a table, or as JSON to whom asks for that. Neither
 * Redis nor the backend makes a gate unready: all gates would leave the balancer at once, where a 451 keeps the mail.
 */
export async function openAdmin(gate: Gate, where: Endpoint): Promise<Server> {
  const server = createServer((request, response) => {
    answer(gate, request, response).catch(() => response.destroy())
  })
  server.headersTimeout = 5_000
  server.requestTimeout = 10_000
  server.maxConnections = 100
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(where.port, where.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  // A connection may fail; the port stays.
  server.on('error', error => gate.log.error({ event: 'admin', error: error.message }, 'the admin port failed'))
  server.unref()
  return server
}

/** How long an answer may take that is under way when the gate ends, ms. */
const lastAnswer = 1_000

/** Answers what is being asked, and closes: a scrape that has come just before the end is no failure of the gate's. */
export async function closeAdmin(server: Server): Promise<void> {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  const late = setTimeout(() => server.closeAllConnections(), lastAnswer)
  await closed
  clearTimeout(late)
}

async function answer(gate: Gate, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // Nobody shall ask again on a connection that is about to be closed.
  if (gate.draining) response.setHeader('connection', 'close')
  if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, 'method not allowed\n')
  switch ((request.url ?? '').split('?', 1)[0]) {
    case '/metrics':
      return send(response, 200, await gate.metrics.text(), gate.metrics.contentType)
    case '/healthz':
    case '/livez':
      return send(response, 200, 'ok\n')
    case '/checks':
      return tellChecks(gate, response, /\bapplication\/json\b/.test(request.headers.accept ?? ''))
    case '/checks.json':
      return tellChecks(gate, response, true)
    case '/readyz':
      return readiness(gate, response)
    default:
      return send(response, 404, 'not found: try /metrics, /checks, /healthz or /readyz\n')
  }
}

function tellChecks(gate: Gate, response: ServerResponse, asJson: boolean): void {
  const rows = checkRows(gate)
  if (asJson) return send(response, 200, `${JSON.stringify({ checks: rows }, null, 2)}\n`, 'application/json')
  send(response, 200, checkTable(rows))
}

function readiness(gate: Gate, response: ServerResponse): void {
  const full = gate.census.open >= gate.config.limits.connections
  if (gate.draining) return send(response, 503, 'draining\n')
  if (full) return send(response, 503, 'at the limit of connections\n')
  const store = gate.store.health.up ? 'up' : 'down, local state'
  send(response, 200, `ready\nbackend: ${gate.backends.areUp ? 'up' : 'down'}\nstore: ${store}\n`)
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text)
}
