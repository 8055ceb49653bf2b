import { setTimeout as sleep } from 'node:timers/promises'
import { dice } from '../chaos/dice.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startProgram } from '../support/process.ts'
import { converse, type Ending } from './client.ts'
import { medianOf } from './growth.ts'
import { Machine } from './machine.ts'
import { addressOf, good, type Kind, kindAt, kinds } from './mix.ts'
import { type Sample, sample } from './sample.ts'
import type { Soaked } from './verdict.ts'

/** Of what the gate can do, measured just before. */
const load = 0.6

/** It is measured so often, for so long each time, s, by so many clients at a time; the median counts. */
const measures = 5
const measured = 2
const atATime = 30

/** Between two samples, s. */
const every = 3

/** Addresses from which clients come, and to which the gate goes: between two there are ports for 470 clients a second, as each is kept for a minute. */
const balancers = Array.from({ length: 50 }, (_, i) => `127.0.1.${i + 1}`)
const backends = Array.from({ length: 10 }, (_, i) => `127.0.2.${i + 1}`)

/** What the gate and the kernel take to let go of the last clients, ms. */
const settling = 5_000

/**
 * Clients that may be there at a time, those that are trapped left out: as many as come in so many seconds. A gate that keeps up has a tenth of that.
 * Where others take the machine away, what is 60 % at first soon is more than all: then the clients would wait in the kernel, until their
 * patience ends or it drops them unseen, and what became of them would say nothing of the gate.
 */
const mostBehind = 2

export interface Soak extends Soaked {
  /** Clients a second that the gate could do each time it was measured, from the fewest on. */
  readonly capacities: readonly number[]
  /** Those that were to come a second. */
  readonly rate: number
  /** How many of each kind ended how, by `kind: words`. */
  readonly endings: ReadonlyMap<string, number>
}

function startSoaked(owner: Owner, sink: number): Promise<RunningGate> {
  return startGate(
    owner,
    `backend:
  servers: [${backends.map(address => `'${address}:${sink}'`).join(', ')}]
  pick: weight
  identity: none
  i_know_the_backend_sees_the_gate: true
trusted_proxies: [127.0.1.0/24]
greet: { wait: 200ms }
access: { deny: [192.0.0.0/16] }
checks: { access: { action: trap, points: 1 } }`,
  )
}

/** Puts a gate under load for so long, and samples what it holds. */
export async function soak(owner: Owner, seconds: number): Promise<Soak> {
  const port = await freePort()
  const args = ['-u', 'nobody', '-c', `0.0.0.0:${port}`, '1000']
  const sink = await startProgram(owner, { command: '/usr/sbin/smtp-sink', args, ready: { port } })
  const gate = await startSoaked(owner, port)
  const throwDice = dice(1)
  let clients = 0
  const comeFrom = (kind: Kind, number: number) =>
    converse(gate.port, addressOf(kind, number), kind.manner, balancers[clients++ % balancers.length])
  const come = (kind: Kind) => comeFrom(kind, Math.floor(throwDice() * kind.addresses))
  // All that are good are known from now on, and wait for nothing.
  const numbers = Array.from({ length: good.addresses }, (_, number) => number).values()
  await lanes(async () => {
    for (const number of numbers) await comeFrom(good, number)
  })
  await Promise.all(kinds.map(come))
  // The first is thrown away: the engine has not seen all of its work yet.
  await closedLoop(come)
  const capacities: number[] = []
  while (capacities.length < measures) capacities.push(await closedLoop(come))
  const rate = medianOf(capacities) * load
  await sleep(settling)
  const before = await sample(gate, 0)
  const arrivals = new Arrivals(rate, come, () => kindAt(throwDice()))
  const machine = new Machine([gate.pid, sink.pid])
  const samples: Sample[] = []
  const begun = performance.now()
  const elapsed = () => (performance.now() - begun) / 1_000
  let served = 0
  for (; elapsed() < seconds; await sleep(5)) {
    arrivals.until(elapsed())
    if (elapsed() < samples.length * every) continue
    const [at, since] = [elapsed(), samples.at(-1)?.at ?? 0]
    samples.push(await sample(gate, at, samples.length === 0 ? 0 : (arrivals.goodServed - served) / (at - since)))
    served = arrivals.goodServed
  }
  const others = machine.others()
  await arrivals.allGone()
  await sleep(settling)
  const { came, keptAway, good: goods, goodServed, endings } = arrivals
  const turnout = { came, keptAway, good: goods, goodServed, others }
  const after = await sample(gate, elapsed())
  return { samples, before, after, turnout, capacities: capacities.sort((a, b) => a - b), rate, endings }
}

/** The clients of the soak, as they come by the clock. */
class Arrivals {
  came = 0
  keptAway = 0
  good = 0
  goodServed = 0
  readonly endings = new Map<string, number>()
  readonly #open = new Set<Promise<void>>()
  /** Of these, those that are not to be trapped. */
  #passing = 0
  readonly #rate: number
  readonly #come: (kind: Kind) => Promise<Ending>
  readonly #next: () => Kind

  constructor(rate: number, come: (kind: Kind) => Promise<Ending>, next: () => Kind) {
    this.#rate = rate
    this.#come = come
    this.#next = next
  }

  /** Lets all come that are due so many seconds after the beginning. */
  until(elapsed: number): void {
    while (this.came + this.keptAway < elapsed * this.#rate) {
      const kind = this.#next()
      if (this.#passing > this.#rate * mostBehind) this.keptAway++
      else this.#begin(kind)
    }
  }

  async allGone(): Promise<void> {
    await Promise.all(this.#open)
  }

  #begin(kind: Kind): void {
    const passing = kind.name === 'trapped' ? 0 : 1
    this.came++
    this.#passing += passing
    const session = this.#come(kind).then(({ code, words }) => {
      this.#open.delete(session)
      this.#passing -= passing
      const what = `${kind.name}: ${words}`
      this.endings.set(what, (this.endings.get(what) ?? 0) + 1)
      if (kind !== good) return
      this.good++
      if (code === 221) this.goodServed++
    })
    this.#open.add(session)
  }
}

/** Good clients one after the other, so many at a time: how many a second. */
async function closedLoop(come: (kind: Kind) => Promise<Ending>): Promise<number> {
  const begun = performance.now()
  let done = 0
  await lanes(async () => {
    for (; performance.now() < begun + measured * 1_000; done++) await come(good)
  })
  return (done * 1_000) / (performance.now() - begun)
}

async function lanes(one: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: atATime }, one))
}
