// Two gates behind HAProxy are replaced one after the other, under load: SIGTERM, and when the gate is gone a new process in its place.

import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { textOf } from '../deploy/files.ts'
import { orRestored, startTwoGates, type TwoGates } from '../deploy/two-gates.ts'
import { adapted, type HaProxy, startHaProxy } from '../support/balancer.ts'
import type { RunningGate } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { until } from '../support/until.ts'
import { Load, type Tally } from './load.ts'

const recipe = 'deploy/balancers/haproxy'

/** Ten times as fast as in the recipe, so that a drain need not wait for as long. */
const quicker = { 'inter 2s': 'inter 200ms', 'slowstart 10s': 'slowstart 1s' }
const sooner = { 'delay: 10s': 'delay: 1500ms' }

/** Of the gates, `drain.delay`, ms. */
export const delay = 1_500

interface Replaceable {
  readonly two: TwoGates
  readonly haproxy: HaProxy
}

/** What a drain came by, ms after its SIGTERM. */
export interface Drain {
  /** `/readyz` said 503. */
  readonly unready: number
  /** HAProxy had taken it out. */
  readonly out: number
  /** Its port was closed. */
  readonly closed: number
  /** The first 421. */
  readonly told: number
  /** Its process was gone. */
  readonly gone: number
  /** The new process took clients of HAProxy's. */
  readonly back: number
  /** Clients that came to it after HAProxy had taken it out. */
  readonly late: number
  /** Those of its sessions that were within a message at SIGTERM. */
  readonly inMessage: number
}

export interface Replacement {
  readonly tally: Tally
  readonly drains: readonly Drain[]
}

export async function startReplaceable(owner: Owner): Promise<Replaceable> {
  const two = await startTwoGates(owner, recipe, sooner)
  return { two, haproxy: await startBefore(owner, two, await textOf(`${recipe}/haproxy.cfg`)) }
}

/** An HAProxy with this configuration before them, once both are up for it. */
export async function startBefore(owner: Owner, { places, ports }: TwoGates, configuration: string): Promise<HaProxy> {
  const port = await freePort()
  const here = { ...places, ...quicker, ':::25 v4v6': `:::${port} v4v6`, 'port 9525': `port ${ports.admin}` }
  const haproxy = await startHaProxy(owner, adapted(configuration, here), port)
  await until('both are up', async () => (await states(haproxy)).every(state => state === 'UP'))
  return haproxy
}

/** UP, DOWN or the like of each gate, as HAProxy sees it. */
export async function states(from: HaProxy): Promise<string[]> {
  const rows = (await from.command('show stat')).split('\n').map(line => line.split(','))
  const column = rows[0]?.indexOf('status') ?? 0
  return rows.filter(row => row[0] === 'gates' && row[1]?.startsWith('gate')).map(row => row[column] ?? '')
}

/** Puts load on both, and replaces each in its turn, so many times. */
export async function replace(owner: Owner, { two, haproxy }: Replaceable, times: number): Promise<Replacement> {
  const load = new Load(owner, { host: '127.0.0.1', port: haproxy.port }, two.sink)
  const drains: Drain[] = []
  for (let turn = 0; turn < 2 * times; turn++) drains.push(await drainOne({ two, haproxy }, turn % 2, load))
  return { tally: await load.stop(), drains }
}

async function drainOne({ two, haproxy }: Replaceable, which: number, load: Load): Promise<Drain> {
  const gate = two.gates[which] as RunningGate
  const inMessage = await someInMessage(haproxy, which, load)
  const begun = performance.now()
  const since = () => performance.now() - begun
  const ended = await orRestored(gate, async () => {
    gate.signal('SIGTERM')
    await until('it says that it is not ready', async () => (await gate.admin('/readyz')).status === 503)
    const unready = since()
    await until('the balancer has taken it out', async () => (await states(haproxy))[which]?.startsWith('UP') === false)
    const out = since()
    const late = await lateAt(gate, () => isOpen(two, which))
    const closed = since()
    await gate.exited
    return { unready, out, closed, gone: since(), late }
  })
  const told = load.firstTold(begun) - begun
  await gate.start()
  await until('both are up', async () => (await states(haproxy)).every(state => state === 'UP'))
  return { ...ended, told, back: since(), inMessage: inMessage.length }
}

/** How many clients come to a gate as long as its port is open. */
async function lateAt(gate: RunningGate, isOpen: () => Promise<boolean>): Promise<number> {
  const clients = () => gate.metric('sallyport_connections_total')
  const before = await clients()
  let last = before
  while (await isOpen()) {
    try {
      last = await clients()
    } catch (error) {
      // Where nobody is connected a gate ends as soon as its port is closed, and that may be while it is asked.
      if (await isOpen()) throw error
    }
    await sleep(50)
  }
  return last - before
}

/** Waits until some client is within a message at this gate, by HAProxy's table of sessions, and gives their ports. */
async function someInMessage(haproxy: HaProxy, which: number, load: Load): Promise<readonly number[]> {
  let ports: readonly number[] = []
  await until('a client is in a message', async () => {
    const lines = (await haproxy.command('show sess'))
      .split('\n')
      .filter(line => line.includes(` srv=gate${which + 1} `))
    ports = load.inMessage.filter(port => lines.some(line => line.includes(`:${port} fe=`)))
    return ports.length > 0
  })
  return ports
}

/** Whether the gate's own port takes connections, by the kernel's table (proc(5): st 0A is LISTEN): a connection would be a client more. */
async function isOpen({ ports }: TwoGates, which: number): Promise<boolean> {
  const port = ports.smtp.toString(16).toUpperCase().padStart(4, '0')
  const table = await readFile('/proc/net/tcp', 'latin1')
  return new RegExp(`: 0${(0x0b + which).toString(16).toUpperCase()}00007F:${port} [0-9A-F]+:0000 0A `).test(table)
}
