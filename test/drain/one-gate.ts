// One gate under load: new configurations again and again; and restarts on a socket that is not its own, as systemd's socket activation has it.

import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type RunningGate, startGate } from '../support/gate.ts'
import { holdSocket } from '../support/held-socket.ts'
import type { Owner } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { Load, type Tally } from './load.ts'

/** Between two reloads or restarts, ms. */
const calm = 300

/** Puts load on a gate and has it read so many new configurations; every second one it must not take. */
export async function reload(owner: Owner, times: number): Promise<Tally> {
  const sink = await startSink(owner, { proxy: true })
  const gate = await startGate(owner, `backend: 127.0.0.1:${sink.port}`)
  const load = new Load(owner, { host: '127.0.0.1', port: gate.port }, sink)
  for (let turn = 0; turn < times; turn++) {
    await sleep(calm)
    const line = turn % 2 === 0 ? `recipient_domains: [example.test, d${turn}.example.org]` : 'nonsense: 1'
    const read = readings(gate)
    await writeFile(gate.file, `${gate.settings}${line}\n`)
    gate.signal('SIGHUP')
    await until('the configuration is read', () => readings(gate) > read)
  }
  return load.stop()
}

/** Puts load on a port that this process holds, and has the gate that takes clients there stopped and started so many times. */
export async function restart(owner: Owner, times: number): Promise<Tally> {
  const sink = await startSink(owner, { proxy: true })
  const port = await freePort()
  const socket = holdSocket(owner, port)
  const gate = await startGate(owner, `backend: 127.0.0.1:${sink.port}`, { socket })
  const load = new Load(owner, { host: '127.0.0.1', port }, sink)
  for (let turn = 0; turn < times; turn++) {
    const { taken } = load
    await until('a client is in a message', () => load.inMessage.length > 0 && load.taken > taken + 20)
    await gate.stop()
    await gate.start()
  }
  const { taken } = load
  await until('messages are taken', () => load.taken > taken + 20)
  return load.stop()
}

/** How many configurations it has read so far, good ones and bad ones. */
const readings = (gate: RunningGate): number =>
  gate.output().match(/"msg":"[^"]*(?:in force|stays in force)"/g)?.length ?? 0
