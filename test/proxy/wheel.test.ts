import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { describe, it } from 'node:test'
import { unscheduled, Wheel, type WheelEntry } from '@sallyport/proxy/wheel.js'
import fc from 'fast-check'

class Bell implements WheelEntry {
  next: WheelEntry | null = null
  previous: WheelEntry | null = null
  slot = unscheduled
  due = Number.POSITIVE_INFINITY
  readonly rung: number[] = []
  onRing: ((now: number) => void) | null = null

  expire(now: number): void {
    this.rung.push(now)
    this.onRing?.(now)
  }
}

const tick = 50
/** Two revolutions and a bit. */
const far = 2 * 1024 * tick + 777

function reapAll(wheel: Wheel, now: number): number {
  let batches = 1
  while (wheel.reap(now)) batches++
  return batches
}

function frozen(): Wheel {
  return new Wheel(tick, () => 0)
}

type Step =
  | { kind: 'schedule'; bell: number; ahead: number }
  | { kind: 'cancel'; bell: number }
  | { kind: 'advance'; by: number }

const bells = 8
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('schedule' as const),
    bell: fc.nat(bells - 1),
    ahead: fc.oneof(fc.integer({ min: -200, max: 400 }), fc.integer({ min: 0, max: far })),
  }),
  fc.record({ kind: fc.constant('cancel' as const), bell: fc.nat(bells - 1) }),
  fc.record({
    kind: fc.constant('advance' as const),
    by: fc.oneof({ weight: 5, arbitrary: fc.nat(120) }, { weight: 1, arbitrary: fc.nat(far) }),
  }),
)

describe('the wheel', () => {
  it('tells each entry once, at the first turn at or after its deadline', () => {
    // Invariant: after every turn exactly those have been told whose deadline, by a plain list of deadlines, has passed.
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), steps => {
        const wheel = frozen()
        const entries = Array.from({ length: bells }, () => new Bell())
        const deadlines = new Map<Bell, number>()
        const told = new Map<Bell, number>(entries.map(bell => [bell, 0]))
        let now = 0
        for (const step of steps) {
          if (step.kind === 'advance') {
            now += step.by
            wheel.turn(now)
            reapAll(wheel, now)
            for (const [bell, due] of deadlines) {
              if (due > now) continue
              deadlines.delete(bell)
              told.set(bell, (told.get(bell) ?? 0) + 1)
            }
            for (const bell of entries) assert.equal(bell.rung.length, told.get(bell))
          } else {
            const bell = entries[step.bell]
            if (bell === undefined) continue
            if (step.kind === 'schedule') {
              wheel.schedule(bell, now + step.ahead)
              deadlines.set(bell, now + step.ahead)
            } else {
              wheel.cancel(bell)
              deadlines.delete(bell)
            }
          }
          assert.equal(wheel.size, deadlines.size)
          for (const bell of entries) assert.equal(bell.due, deadlines.get(bell) ?? Number.POSITIVE_INFINITY)
        }
        wheel.stop()
      }),
      { numRuns: 1000 },
    )
  })

  it('tells no entry more than a tick late while it is turned every tick, hours ahead included', () => {
    // Invariant: due <= told < due + tick, whatever the phase of the turns.
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: far }), { minLength: 1, maxLength: 20 }),
        fc.nat(tick - 1),
        (aheads, phase) => {
          const wheel = frozen()
          const entries = aheads.map(ahead => {
            const bell = new Bell()
            wheel.schedule(bell, ahead)
            return { bell, due: ahead }
          })
          for (let now = phase; now <= far + tick; now += tick) {
            wheel.turn(now)
            reapAll(wheel, now)
          }
          for (const { bell, due } of entries) {
            assert.equal(bell.rung.length, 1)
            const late = (bell.rung[0] ?? 0) - due
            assert.ok(late >= 0 && late < tick, `${late} ms late`)
          }
          wheel.stop()
        },
      ),
      { numRuns: 50 },
    )
  })

  it('tells at most 500 entries in one go', () => {
    const wheel = frozen()
    const entries = Array.from({ length: 1201 }, () => new Bell())
    for (const bell of entries) wheel.schedule(bell, 100)
    wheel.turn(100)
    assert.equal(wheel.reap(100), true)
    assert.equal(entries.filter(bell => bell.rung.length === 1).length, 500)
    assert.equal(reapAll(wheel, 101), 2)
    assert.ok(entries.every(bell => bell.rung.length === 1))
    assert.equal(wheel.size, 0)
    wheel.stop()
  })

  it('misses none when the event loop was held for longer than a revolution', () => {
    const wheel = frozen()
    const entries = Array.from({ length: 1024 }, () => new Bell())
    entries.forEach((bell, i) => {
      wheel.schedule(bell, i * tick)
    })
    wheel.turn(far)
    reapAll(wheel, far)
    assert.ok(entries.every(bell => bell.rung.length === 1))
    wheel.stop()
  })

  it('lets an entry that has just been told schedule itself and cancel others', () => {
    const wheel = frozen()
    const [first, second, third] = [new Bell(), new Bell(), new Bell()]
    for (const bell of [first, second, third]) wheel.schedule(bell, 10)
    first.onRing = now => {
      wheel.cancel(second)
      wheel.schedule(third, 500)
      wheel.schedule(first, now)
    }
    wheel.turn(60)
    assert.equal(reapAll(wheel, 60), 1)
    assert.deepEqual([first.rung, second.rung, third.rung], [[60], [], []])
    wheel.turn(499)
    reapAll(wheel, 499)
    assert.deepEqual([first.rung, second.rung, third.rung], [[60, 499], [], []])
    wheel.cancel(first)
    wheel.turn(500)
    reapAll(wheel, 500)
    assert.deepEqual([first.rung, second.rung, third.rung], [[60, 499], [], [500]])
    wheel.stop()
  })

  it('takes Infinity for no deadline and refuses what is no number', () => {
    const wheel = frozen()
    const bell = new Bell()
    wheel.schedule(bell, 10)
    wheel.schedule(bell, Number.POSITIVE_INFINITY)
    assert.equal(wheel.size, 0)
    wheel.turn(far)
    assert.equal(reapAll(wheel, far), 1)
    assert.deepEqual(bell.rung, [])
    assert.throws(() => wheel.schedule(bell, Number.NaN), RangeError)
    wheel.stop()
  })
})

describe('the timer of the wheel', () => {
  const clock = () => Math.floor(performance.now())

  /** Resolves after the entry was told; keeps the process alive meanwhile, which the wheel on purpose does not. */
  async function rung(bell: Bell): Promise<void> {
    const alive = setInterval(() => {}, 1000)
    await new Promise<void>(resolve => {
      bell.onRing = () => resolve()
    })
    clearInterval(alive)
  }

  it('turns by itself, rests when nothing is scheduled and starts again', async () => {
    const wheel = new Wheel(5, clock)
    for (let round = 0; round < 2; round++) {
      const bell = new Bell()
      const due = clock() + 12
      wheel.schedule(bell, due)
      await rung(bell)
      assert.equal(bell.rung.length, 1)
      assert.ok((bell.rung[0] ?? 0) >= due)
      assert.equal(wheel.size, 0)
    }
    wheel.stop()
  })

  it('tells nobody after a stop, and everybody whose deadline has passed after the next schedule', async () => {
    let now = 0
    const wheel = new Wheel(5, () => now)
    const [early, late] = [new Bell(), new Bell()]
    wheel.schedule(early, 40)
    wheel.stop()
    now = 5000
    wheel.schedule(late, 5001)
    wheel.stop()
    now = 5001
    assert.equal(wheel.size, 2)
    wheel.schedule(new Bell(), 9000)
    await rung(late)
    assert.deepEqual([early.rung, late.rung], [[5001], [5001]])
    wheel.stop()
  })

  it('tells the others after an entry threw', async () => {
    const wheel = new Wheel(5, clock)
    const [faulty, sound] = [new Bell(), new Bell()]
    faulty.onRing = () => {
      throw new Error('a fault of our own')
    }
    const faults: unknown[] = []
    const listeners = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.once('uncaughtException', fault => faults.push(fault))
    const due = clock()
    wheel.schedule(faulty, due)
    wheel.schedule(sound, due)
    await rung(sound)
    for (const listener of listeners) process.on('uncaughtException', listener)
    assert.equal(faults.length, 1)
    wheel.stop()
  })

  it('lets octets that came in time win over a deadline that is noticed late', async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const client = net.connect(port, '127.0.0.1')
    const [[socket]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
      [net.Socket],
      unknown,
    ]
    const wheel = new Wheel(10, clock)
    const order: string[] = []
    const [answered, silent] = [new Bell(), new Bell()]
    answered.onRing = () => order.push('deadline')
    socket.on('data', () => {
      order.push('octets')
      wheel.cancel(answered)
    })
    const due = clock() + 20
    wheel.schedule(answered, due)
    wheel.schedule(silent, due)
    client.write('x')
    while (clock() < due + 50);
    await rung(silent)
    assert.deepEqual(order, ['octets'])
    assert.equal(silent.rung.length, 1)
    client.destroy()
    socket.destroy()
    server.close()
    wheel.stop()
  })
})
