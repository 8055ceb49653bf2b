// A gate in this process: for waits below those that a configuration may have, and for a look at what it holds.

import { readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Timeouts } from '@sallyport/proxy/config/config.js'
import { parseConfig } from '@sallyport/proxy/config/parse.js'
import type { Log } from '@sallyport/proxy/log.js'
import { type Running, start } from '@sallyport/proxy/main.js'
import { type Owner, tempDirectory, undoAfter } from '../support/owner.ts'

export interface GateHere {
  readonly running: Running
  readonly port: number
  /** The log so far; sessions at the moment they end. */
  readonly lines: readonly Line[]
}

type Line = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string }

/** Short enough for a test and too long for a slow machine to matter. */
export const shortWaits: Partial<Timeouts> = {
  backendConnect: 400,
  backendGreeting: 400,
  backendReply: 400,
  backendFinal: 400,
}

/** Starts a gate on free ports without a greeting wait, unless `settings` have one. It ends with its owner. */
export async function startHere(owner: Owner, settings: string, waits: Partial<Timeouts> = {}): Promise<GateHere> {
  const folder = await tempDirectory(owner, 'here')
  const text = [
    'hostname: gate.example.test',
    /^listen:/m.test(settings) ? '' : `listen: ['127.0.0.1:0']`,
    /^admin:/m.test(settings) ? '' : 'admin: { listen: off }',
    `store: { file: '${join(folder, 'clients.json')}' }`,
    /^greet:/m.test(settings) ? '' : 'greet: { wait: 0s }',
    // That the machine is busy is no reason to turn a test's clients away.
    'load: { shed: 0% }',
    settings,
  ].join('\n')
  const parsed = parseConfig(text, 'settings', {})
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'))
  const { config } = parsed
  const lines: Line[] = []
  const running = await start('0', { ...config, timeouts: { ...config.timeouts, ...waits } }, collect(lines))
  undoAfter(owner, () => running.kill())
  return { running, port: running.addresses[0]?.port ?? 0, lines }
}

function collect(lines: Line[]): Log {
  const at = (level: string) => (fields: object, msg: string) => {
    lines.push({ ...fields, level, msg })
  }
  return {
    session: at('info'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    level() {},
    tells: () => true,
    dropped: 0,
    flush() {},
  }
}

/** Open sockets of this process. */
export function openSockets(): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}
