import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, test } from 'node:test'
import { openStore, type Store } from '@sallyport/proxy/store/index.js'
import { MemoryStore } from '@sallyport/proxy/store/memory/memory.js'
import { usualFading } from '@sallyport/rules'
import fc from 'fast-check'
import { StoreWorld } from '../../support/store-world.js'
import { type Subject, storeContract } from './store.contract.js'

let directory = ''
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sallyport-store-'))
})
after(() => rm(directory, { recursive: true }))

let count = 0
const newFile = () => join(directory, `${count++}`, 'clients')

const openFile = (world: StoreWorld, file: string, clients = 1000) =>
  openStore({ kind: 'memory', file, clients }, world)

storeContract('memory', async () => {
  const world = new StoreWorld()
  const store = openStore({ kind: 'memory', file: null, clients: 1000 }, world)
  return {
    store,
    advance: world.advance,
    settle: async () => undefined,
    end: () => store.close(),
  }
})

/** A memory store that is closed and opened again from its file after every lesson. */
async function openReopening(): Promise<Subject> {
  const world = new StoreWorld()
  const file = newFile()
  let store = openFile(world, file)
  const counted = { recalls: 0, remembers: 0 }
  // Which the file does not keep.
  const grey = new MemoryStore({ kind: 'memory', file: null, clients: 100 }, world.log, world.now)
  const front: Store = {
    recall: client => {
      counted.recalls++
      return store.recall(client)
    },
    remember: (client, lesson) => {
      counted.remembers++
      store.remember(client, lesson)
    },
    greylist: (name, times) => grey.greylist(name, times),
    rate: (place, counted) => grey.rate(place, counted),
    enter: (visitor, caps) => store.enter(visitor, caps),
    spare: (network, question) => store.spare(network, question),
    leave: visitor => store.leave(visitor),
    greylistLeft: (name, times) => grey.greylistLeft(name, times),
    rateLeft: (place, counted) => grey.rateLeft(place, counted),
    renew: weights => store.renew(weights),
    onBlock: listener => store.onBlock(listener),
    forget: client => store.forget(client),
    get health() {
      return { ...store.health, ...counted }
    },
    close: () => store.close(),
  }
  return {
    store: front,
    advance: world.advance,
    settle: async () => {
      await store.close()
      store = openFile(world, file)
    },
    end: async () => {
      await store.close()
      assert.deepEqual(world.lines, [])
    },
  }
}
storeContract('memory with a file, opened anew after each lesson', openReopening)

test('a gate by itself asks nobody for places: no promise is made for whoever comes', () => {
  const world = new StoreWorld()
  const store = new MemoryStore({ kind: 'memory', file: null, clients: 100 }, world.log, world.now)
  assert.equal(store.enter(), null)
})

test('what is a block counts by the weights that were given last', t => {
  const store = openStore({ kind: 'memory', file: null, clients: 10, suspectFrom: 50 }, new StoreWorld())
  t.after(() => store.close())
  const heard: string[] = []
  store.onBlock(names => heard.push(...names))
  const spam = { passed: {}, failed: {}, repute: { score: 8, accepted: 0, content: 1, unknown: 0 } }
  store.remember('192.0.2.1', spam)
  store.renew({ suspectFrom: 5, fading: usualFading })
  store.remember('192.0.2.2', spam)
  assert.deepEqual(heard, ['192.0.2.2'])
})

describe('the file of a memory store', () => {
  /** A store of three clients, closed; its file and the text in it. */
  async function written() {
    const world = new StoreWorld()
    const file = newFile()
    const store = openFile(world, file)
    for (const last of [1, 2, 3]) store.remember(`192.0.2.${last}`, { passed: { pregreet: 1000 * last }, failed: {} })
    store.remember('192.0.2.3', { passed: {}, failed: { dnsbl: 5000 } })
    await store.close()
    return { world, file, text: await readFile(file, 'utf8') }
  }

  it('is made with its directory, for nobody else to read', async () => {
    const { file, text } = await written()
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    assert.equal(
      text,
      '{"sallyport":"clients","version":1}\n' +
        '["192.0.2.1",{"pregreet":1790001000},{}]\n["192.0.2.2",{"pregreet":1790002000},{}]\n' +
        '["192.0.2.3",{"pregreet":1790003000},{"dnsbl":1790005000}]\n{"clients":3}\n',
    )
    assert.ok(!existsSync(`${file}.tmp`))
  })

  it('drops what has expired, at loading and at saving', async () => {
    const { world, file } = await written()
    world.seconds += 1500
    const store = openFile(world, file)
    assert.equal(store.health.clients, 2)
    world.seconds += 2000
    assert.deepEqual(await store.recall('192.0.2.3'), { passed: [], failed: ['dnsbl'], repute: null })
    await store.forget('192.0.2.3')
    await store.close()
    assert.match(await readFile(file, 'utf8'), /^.*\n\{"clients":0\}\n$/)
  })

  it('keeps the clients met last where the cap has become smaller', async () => {
    const { world, file } = await written()
    const store = openFile(world, file, 2)
    assert.deepEqual((await store.recall('192.0.2.1')).passed, [])
    assert.deepEqual((await store.recall('192.0.2.3')).passed, ['pregreet'])
    await store.close()
  })

  it('is not written when there is nothing new', async () => {
    const { world, file } = await written()
    await truncate(file, 10)
    const store = new MemoryStore({ kind: 'memory', file: newFile(), clients: 10 }, world.log, world.now)
    await store.save()
    await store.close()
    assert.equal((await stat(file)).size, 10)
  })

  it('is whole or believed in nothing, wherever it is torn', async () => {
    // Cut anywhere, the file gives no client and one warning, is set aside, and the store works and can be saved.
    const { world, file, text } = await written()
    for (let length = 0; length < text.length; length++) {
      await rm(`${file}.corrupt`, { force: true })
      await writeFile(file, text.slice(0, length))
      world.lines.length = 0
      const store = openFile(world, file)
      assert.equal(store.health.clients, 0, `${length}`)
      assert.equal(world.lines.length, 1)
      assert.match(world.lines[0] ?? '', /^warn .* set aside as .*\.corrupt/)
      assert.equal((await stat(`${file}.corrupt`)).size, length)
      assert.ok(!existsSync(file))
      await store.close()
    }
  })

  it('survives any content', async () => {
    // Whatever is in the file, the store opens, warns once at most, and what it then learns is there after a restart.
    const line = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constantFrom(
        '{"sallyport":"clients","version":1}',
        '{"clients":1}',
        '["a",{},{}]',
        '["a",{"x":1e300},{"y":null}]',
      ),
    )
    const content = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(line, { maxLength: 6 }).map(lines => lines.join('\n')),
    )
    const file = newFile()
    await mkdir(join(file, '..'))
    await fc.assert(
      fc.asyncProperty(content, fc.boolean(), async (bytes, headed) => {
        const world = new StoreWorld()
        const head = headed ? '{"sallyport":"clients","version":1}\n' : ''
        await writeFile(file, Buffer.concat([Buffer.from(head), Buffer.from(bytes as string)]))
        const store = openFile(world, file)
        assert.ok(world.lines.length <= 1)
        store.remember('192.0.2.1', { passed: { pregreet: 1000 }, failed: {} })
        await store.close()
        const again = openFile(world, file)
        assert.deepEqual(await again.recall('192.0.2.1'), { passed: ['pregreet'], failed: [], repute: null })
        await again.close()
      }),
      { numRuns: 100 },
    )
  })

  it('is refused when another version wrote it', async () => {
    const { world, file, text } = await written()
    await writeFile(file, text.replace('"version":1', '"version":2'))
    const store = openFile(world, file)
    assert.equal(store.health.clients, 0)
    assert.match(world.lines[0] ?? '', /version 1/)
    assert.equal(await readFile(`${file}.corrupt`, 'utf8'), text.replace('"version":1', '"version":2'))
    await store.close()
  })

  it('does not believe an expiry farther away than anything is remembered', async () => {
    const { world, file, text } = await written()
    await writeFile(file, text.replace('1790001000', '9790001000'))
    const store = openFile(world, file)
    assert.deepEqual((await store.recall('192.0.2.1')).passed, [])
    assert.deepEqual((await store.recall('192.0.2.2')).passed, ['pregreet'])
    await store.close()
  })

  it('that is a directory is left alone, and the store works without it', async () => {
    const world = new StoreWorld()
    const file = newFile()
    await mkdir(file, { recursive: true })
    const store = openFile(world, file)
    store.remember('192.0.2.1', { passed: { pregreet: 1000 }, failed: {} })
    assert.deepEqual((await store.recall('192.0.2.1')).passed, ['pregreet'])
    await store.close()
    assert.equal(world.lines.length, 1)
    assert.match(world.lines[0] ?? '', /^warn .* cannot be used \(not a regular file\)/)
    assert.ok((await stat(file)).isDirectory())
  })

  it('that cannot be written is warned of once, and written as soon as it can be', async () => {
    const world = new StoreWorld()
    const file = newFile()
    const store = new MemoryStore({ kind: 'memory', file, clients: 10 }, world.log, world.now)
    await mkdir(`${file}.tmp`)
    for (const last of [1, 2]) {
      store.remember(`192.0.2.${last}`, { passed: { pregreet: 1000 }, failed: {} })
      await store.save()
      assert.equal(store.health.rememberErrors, last)
    }
    await rm(`${file}.tmp`, { recursive: true })
    await store.save()
    assert.deepEqual(
      world.lines.map(line => line.slice(0, 4)),
      ['warn', 'info'],
    )
    await store.close()
    assert.match(await readFile(file, 'utf8'), /"clients":2/)
  })

  it('that two processes write is warned of once by each, and one that was left by a process that died is not', async () => {
    const file = newFile()
    const worlds = [new StoreWorld(), new StoreWorld()] as const
    const open = (world: StoreWorld) => new MemoryStore({ kind: 'memory', file, clients: 1000 }, world.log, world.now)
    const learn = async (store: MemoryStore, client: string) => {
      store.remember(client, { passed: { pregreet: 1000 }, failed: {} })
      await store.save()
    }
    // It is never closed.
    const died = open(new StoreWorld())
    await learn(died, '192.0.2.1')
    const one = open(worlds[0])
    await learn(one, '192.0.2.2')
    await learn(one, '192.0.2.3')
    assert.deepEqual(worlds[0].lines, [])
    assert.equal(existsSync(`${file}.shared`), false)
    const other = open(worlds[1])
    await learn(other, '192.0.2.4')
    for (const client of ['192.0.2.5', '192.0.2.6']) {
      await learn(one, client)
      await learn(other, client)
    }
    for (const { lines } of worlds) {
      assert.equal(lines.length, 1, lines.join())
      assert.match(lines[0] ?? '', /^warn .* was written by somebody else: two gates with one store\.file/)
    }
    assert.equal(existsSync(`${file}.shared`), true)
    await rm(file)
    await learn(one, '192.0.2.7')
    assert.equal(worlds[0].lines.length, 1)
    for (const store of [died, one, other]) await store.close()
  })

  it('is written while the event loop goes on and lessons come in', async () => {
    const world = new StoreWorld()
    const file = newFile()
    const clients = 100_000
    const passed = {
      pregreet: 86_400,
      dnsbl: 3600,
      pipelining: 2_592_000,
      'bare-newline': 2_592_000,
      commands: 2_592_000,
    }
    const store = new MemoryStore({ kind: 'memory', file, clients }, world.log, world.now)
    const client = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
    for (let i = 0; i < clients; i++) store.remember(client(i), { passed, failed: {} })
    let saved = false
    const saving = store.save().then(() => {
      saved = true
    })
    let turns = 0
    while (!saved) {
      await new Promise(resolve => setImmediate(resolve))
      if (!saved) store.remember(client(turns), { passed: {}, failed: { 'helo-syntax': 1000 } })
      turns++
    }
    await saving
    // A hundred slices, each with at least one turn of the loop before the next.
    assert.ok(turns >= 100, `${turns} turns`)
    await store.close()
    const again = new MemoryStore({ kind: 'memory', file, clients }, world.log, world.now)
    assert.equal(again.health.clients, clients)
    assert.deepEqual(await again.recall(client(0)), {
      passed: Object.keys(passed),
      failed: ['helo-syntax'],
      repute: null,
    })
    await again.close()
    assert.deepEqual(world.lines, [])
  })
})
