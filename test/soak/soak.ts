import { setTimeout as sleep } from 'node:timers/promises'
import { dice } from '../chaos/dice.ts'
import { believing } from '../e2e/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startProgram } from '../support/process.ts'
import { converse } from './client.ts'
import { addressOf, good, type Kind, kindAt, kinds } from './mix.ts'
import { type Sample, sample } from './sample.ts'
import type { Soaked } from './verdict.ts'

/** Of what the gate can do, measured just before. */
const load = 0.6

/** How long that is measured, s, and by how many clients at a time. */
const measured = 10
const atATime = 30

/** Between two samples, s. */
const every = 3

/** What the gate and the kernel take to let go of the last clients, ms. */
const settling = 5_000

export interface Soak extends Soaked {
  /** Clients a second that the gate could do, and that came. */
  readonly capacity: number
  readonly rate: number
  /** How many of each kind heard which code in the end, by `kind code`. */
  readonly heard: ReadonlyMap<string, number>
}

function startSoaked(owner: Owner, sink: number): Promise<RunningGate> {
  return startGate(
    owner,
    `backend: { address: '127.0.0.1:${sink}', identity: none, i_know_the_backend_sees_the_gate: true }
${believing}
greet: { wait: 200ms }
access: { deny: [192.0.0.0/16] }
checks: { access: { action: trap, points: 1 } }`,
  )
}

/** Puts a gate under load for so long, and samples what it holds. */
export async function soak(owner: Owner, seconds: number): Promise<Soak> {
  const port = await freePort()
  const args = ['-u', 'nobody', '-c', `127.0.0.1:${port}`, '1000']
  await startProgram(owner, { command: '/usr/sbin/smtp-sink', args, ready: { port } })
  const gate = await startSoaked(owner, port)
  const throwDice = dice(1)
  const comeFrom = (kind: Kind, number: number) => converse(gate.port, addressOf(kind, number), kind.manner)
  const come = (kind: Kind) => comeFrom(kind, Math.floor(throwDice() * kind.addresses))
  // All that are good are known from now on, and wait for nothing.
  const numbers = Array.from({ length: good.addresses }, (_, number) => number).values()
  await lanes(async () => {
    for (const number of numbers) await comeFrom(good, number)
  })
  await Promise.all(kinds.map(come))
  const capacity = await closedLoop(come)
  await sleep(settling)
  const before = await sample(gate, 0)
  const rate = capacity * load
  const heard = new Map<string, number>()
  const open = new Set<Promise<void>>()
  const samples: Sample[] = []
  const begun = performance.now()
  const elapsed = () => (performance.now() - begun) / 1_000
  for (let count = 0; elapsed() < seconds; await sleep(5)) {
    for (; count < elapsed() * rate; count++) {
      const kind = kindAt(throwDice())
      const session = come(kind).then(code => {
        open.delete(session)
        const what = `${kind.name} ${code}`
        heard.set(what, (heard.get(what) ?? 0) + 1)
      })
      open.add(session)
    }
    if (elapsed() >= samples.length * every) samples.push(await sample(gate, elapsed()))
  }
  await Promise.all(open)
  await sleep(settling)
  return { samples, before, after: await sample(gate, elapsed()), capacity, rate, heard }
}

/** Good clients one after the other, so many at a time: how many a second. */
async function closedLoop(come: (kind: Kind) => Promise<number>): Promise<number> {
  const end = performance.now() + measured * 1_000
  let done = 0
  await lanes(async () => {
    for (; performance.now() < end; done++) await come(good)
  })
  return done / measured
}

async function lanes(one: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: atATime }, one))
}
