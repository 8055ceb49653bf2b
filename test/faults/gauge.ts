// A process with one gate in it that tells what it holds: started by `startGauged` (gauged-gate.ts), which says what to run.

import { join } from 'node:path'
import { parseConfig } from '@sallyport/proxy/config/parse.js'
import type { Connection } from '@sallyport/proxy/connection.js'
import type { Log } from '@sallyport/proxy/log.js'
import { start } from '@sallyport/proxy/main.js'
import { never } from '@sallyport/rules'
import type { Order, Report } from './gauged-gate.ts'
import { descriptors, memory, waitingTime } from './process-state.ts'

const endings: Record<string, number> = {}
let faults = 0

/** Counts, and keeps nothing: what a log holds is not to be measured. */
const log: Log = {
  session(line) {
    const { ending } = line as { ending: string }
    endings[ending] = (endings[ending] ?? 0) + 1
  },
  debug() {},
  info() {},
  warn() {},
  error(fields) {
    if ('event' in fields && fields.event === 'fault') faults++
  },
  level() {},
  tells: () => true,
  dropped: 0,
  flush() {},
}

/** What was read although its socket is paused. */
const pausedIn = ({ client, backend }: Connection) => client.readableLength + (backend?.readableLength ?? 0)

process.once('message', async ({ settings, waits, folder, modes }: Order) => {
  const listen = modes.map(tls => `{ address: '127.0.0.1:0', tls: ${tls} }`).join(', ')
  const text = `hostname: gate.example.test\nlisten: [${listen}]\nadmin: { listen: off }\n${settings}
store: { file: '${join(folder, 'clients.json')}' }\n`
  const parsed = parseConfig(text, 'settings', {})
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'))
  const { config } = parsed
  const { gate, addresses } = await start('0', { ...config, timeouts: { ...config.timeouts, ...waits } }, log)
  process.on('message', () => process.send?.(report()))
  process.send?.(addresses.map(({ port }) => port))

  function report(): Report {
    // Twice: buffers that the first finds to be garbage are freed beside it, and the second waits for that.
    for (let time = 0; time < 2; time++) global.gc?.()
    const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage()
    const sessions = [...gate.connections].filter(({ session }) => session !== null && !session.isDone)
    const most = (of: (connection: Connection) => number | undefined) =>
      Math.max(0, ...sessions.map(connection => of(connection) ?? 0))
    return {
      held: heapUsed + Math.max(external, arrayBuffers),
      resident: memory(process.pid) * 1e6 - (heapTotal - heapUsed),
      connections: gate.connections.size,
      counted: gate.census.open,
      sessions: sessions.length,
      boundless: sessions.filter(({ session }) => session?.deadline === never).length,
      deadlines: gate.wheel.size,
      timers: process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length,
      descriptors: descriptors(process.pid),
      unread: most(({ session }) => session?.lines.pending),
      paused: most(pausedIn),
      toClient: most(({ client }) => client.writableLength),
      toBackend: most(({ backend }) => backend?.writableLength),
      together: most(connection => {
        const { client, backend, session } = connection
        const unsent = client.writableLength + (backend?.writableLength ?? 0)
        return (session?.lines.pending ?? 0) + pausedIn(connection) + unsent
      }),
      oldest: most(({ session }) => gate.clock() - (session?.startedAt ?? 0)),
      robbed: waitingTime(process.pid),
      endings: { ...endings },
      faults,
    }
  }
})
process.once('disconnect', () => process.exit())
