import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pace } from '@sallyport/proxy/store/shared/pace.js'
import type { Asked } from '@sallyport/proxy/store/shared/questions.js'
import { Unwritten } from '@sallyport/proxy/store/shared/unwritten.js'
import type { Lesson } from '@sallyport/rules'
import { Clock } from '../../simulate/clock.ts'

const pass: Lesson = { passed: { pregreet: 1000 }, failed: {} }
const failure: Lesson = { passed: {}, failed: { pregreet: 1000 } }

/** Goes on until then; what was begun before has come to its first wait by then. */
async function run(clock: Clock, end: number): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
  await clock.run(end)
}

/** A gate's lessons, and nodes that take them within `each` s; in virtual time. */
class World {
  readonly clock = new Clock(0)
  readonly taken: string[] = []
  /** Nodes that are not asked, refuse, or do not answer in time. */
  readonly not = new Map<string, 'not asked' | 'refused' | 'failed'>()
  readonly unwritten: Unwritten<boolean>
  outstanding = 0
  most = 0
  busy = 0
  /** How often it was asked on which node a client is. */
  looks = 0
  each = 0.001
  /** Of whom a lesson was not written at once. */
  readonly kept: string[] = []

  constructor(capacity = 10_000) {
    const time = { now: () => this.clock.now * 1000, wait: (ms: number) => this.clock.wait(ms / 1000) }
    const now = () => Math.floor(this.clock.now)
    const desk = {
      nodeOf: (client: string) => {
        this.looks++
        return client.includes('@') ? (client.split('@')[1] ?? '') : ''
      },
      isAsked: (node: string) => this.not.get(node) !== 'not asked',
      write: (client: string) => this.write(client, this.not.get(client.split('@')[1] ?? '')),
      told: () => undefined,
      kept: (client: string) => void this.kept.push(client),
    }
    this.unwritten = new Unwritten(desk, capacity, undefined, now, time)
  }

  learn(count: number, lesson: Lesson, name: string, node = ''): void {
    for (let i = 0; i < count; i++) this.unwritten.learn(`${name}${i}${node === '' ? '' : `@${node}`}`, lesson)
  }

  private async write(client: string, answer: 'not asked' | 'refused' | 'failed' | undefined): Promise<Asked<boolean>> {
    if (answer === 'not asked') return answer
    const begun = this.clock.now
    this.most = Math.max(this.most, ++this.outstanding)
    await this.clock.wait(this.each)
    if (--this.outstanding === 0) this.busy += this.clock.now - begun
    if (answer !== undefined) return answer
    this.taken.push(client)
    return { answer: true }
  }
}

describe('what is unwritten', () => {
  test('is written back once, failures first and then the oldest, fifty at a time and a quarter of the time at most', async () => {
    const world = new World()
    world.not.set('', 'not asked')
    world.learn(2000, pass, 'good')
    world.learn(500, failure, 'bad')
    await run(world.clock, 10)
    assert.deepEqual(world.taken, [])
    world.not.clear()
    await run(world.clock, 13)
    assert.equal(world.unwritten.open, 0)
    assert.equal(new Set(world.taken).size, 2500)
    assert.equal(world.taken.length, 2500)
    assert.deepEqual(
      world.taken.slice(0, 500),
      Array.from({ length: 500 }, (_, i) => `bad${i}`),
    )
    assert.deepEqual(
      world.taken.slice(500, 510),
      Array.from({ length: 10 }, (_, i) => `good${i}`),
    )
    assert.ok(world.most <= 50, `${world.most}`)
    assert.ok(world.busy <= 0.26 * 3, `${world.busy}`)
  })

  test('of a node that takes nothing is gone over every two seconds, however many lessons another takes', async () => {
    const world = new World()
    world.not.set('b', 'not asked')
    world.learn(2000, pass, 'good', 'b')
    await run(world.clock, 3)
    const { looks } = world
    for (let i = 0; i < 100; i++) {
      world.learn(1, pass, `other${i}-`, 'a')
      await run(world.clock, 3 + (i + 1) / 10)
    }
    assert.equal(world.taken.length, 100)
    // Ten seconds, two each.
    assert.ok(world.looks - looks <= 6 * 2000 + 1000, `${world.looks - looks}`)
    world.not.clear()
    await run(world.clock, 20)
    assert.equal(world.unwritten.open, 0)
  })

  test('is given up at the bound, yet neither bots nor honest senders push out all of the others', async () => {
    const world = new World(1000)
    world.not.set('', 'not asked')
    world.learn(1000, pass, 'good')
    world.learn(5000, failure, 'bad')
    world.learn(5000, pass, 'more')
    world.not.clear()
    await run(world.clock, 10)
    const of = (name: string) => world.taken.filter(client => client.startsWith(name)).length
    assert.equal(world.taken.length, 1000)
    assert.equal(of('bad'), 250)
    assert.equal(of('good') + of('more'), 750)
    const flooded = new World(1000)
    flooded.not.set('', 'not asked')
    flooded.learn(750, pass, 'good')
    flooded.learn(5000, failure, 'bad')
    flooded.not.clear()
    await run(flooded.clock, 10)
    assert.equal(flooded.taken.filter(client => client.startsWith('good')).length, 750)
  })

  test('of a node that is away, or refuses, keeps nothing of the others waiting', async () => {
    for (const trouble of ['not asked', 'refused', 'failed'] as const) {
      const world = new World()
      for (const node of ['a', 'b']) world.not.set(node, trouble)
      world.learn(1000, failure, 'lost', 'a')
      world.learn(300, pass, 'back', 'b')
      await run(world.clock, 5)
      world.not.delete('b')
      await run(world.clock, 12)
      assert.equal(world.taken.length, 300, trouble)
      assert.equal(world.unwritten.open, 1000, trouble)
      world.not.clear()
      await run(world.clock, 20)
      assert.equal(world.unwritten.open, 0, trouble)
    }
  })

  test('is tried one by one, now and then, while Redis refuses it', async () => {
    const world = new World()
    world.not.set('', 'not asked')
    world.learn(500, pass, 'good')
    world.not.set('', 'refused')
    world.most = 0
    await run(world.clock, 60)
    assert.equal(world.most, 1)
    assert.ok(world.busy < 0.04, `${world.busy}`)
    assert.equal(world.unwritten.open, 500)
  })

  test('is told of once for each lesson that is not written at once, however often it is tried', async () => {
    const world = new World()
    for (const [node, answer] of [
      ['away', 'not asked'],
      ['full', 'refused'],
      ['hangs', 'failed'],
    ] as const) {
      world.not.set(node, answer)
      world.learn(1, failure, 'client', node)
    }
    world.learn(1, failure, 'client', 'well')
    await run(world.clock, 10)
    world.learn(1, failure, 'client', 'full')
    await run(world.clock, 20)
    world.not.clear()
    await run(world.clock, 30)
    assert.equal(world.unwritten.open, 0)
    assert.deepEqual(world.kept.sort(), ['client0@away', 'client0@full', 'client0@full', 'client0@hangs'])
  })

  test('of mail is not written again where the first time may have been heard; of checks it is', async () => {
    const written: Lesson[] = []
    const clock = new Clock(0)
    const answers: Asked<boolean>[] = ['failed', { answer: true }]
    const desk = {
      nodeOf: () => '',
      isAsked: () => true,
      write: (_: string, lesson: Lesson) => {
        written.push(lesson)
        return Promise.resolve(answers.shift() ?? { answer: true })
      },
      told: () => undefined,
      kept: () => undefined,
    }
    const time = { now: () => clock.now * 1000, wait: (ms: number) => clock.wait(ms / 1000) }
    const unwritten = new Unwritten(desk, 10, undefined, () => 0, time)
    unwritten.learn('client', { ...failure, repute: { score: 8, accepted: 0, content: 1, unknown: 0 } })
    await run(clock, 5)
    assert.deepEqual(
      written.map(({ failed, repute }) => [Object.keys(failed).join(), repute?.score]),
      [
        ['pregreet', 8],
        ['pregreet', undefined],
      ],
    )
  })

  test('is written at the end as fast as it is taken, for two seconds at most', async () => {
    const world = new World()
    world.not.set('', 'not asked')
    world.learn(5000, pass, 'good')
    world.not.clear()
    world.each = 0.1
    let ended: unknown = null
    void world.unwritten.close().then(left => {
      ended = { left, tenths: Math.floor(world.clock.now * 10) }
    })
    await run(world.clock, 10)
    assert.deepEqual(ended, { left: 4000, tenths: 20 })
  })
})

test('each batch is followed by a rest of three times its length, and is smaller where Redis is slow', () => {
  const pace = new Pace()
  assert.equal(pace.size, 1)
  for (let i = 0; i < 10; i++) assert.equal(pace.after(1), 5)
  assert.equal(pace.size, 50)
  assert.equal(pace.after(40), 120)
  assert.equal(pace.size, 25)
  for (let i = 0; i < 10; i++) pace.after(40)
  assert.equal(pace.size, 1)
})
