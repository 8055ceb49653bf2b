import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { constants } from 'node:fs'
import { open, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DecisionFile } from '@sallyport/proxy/decisions/decision-file.js'
import { openSet } from '@sallyport/proxy/decisions/decision-set.js'
import { tempDirectory } from '../../support/owner.ts'
import { stopwatch } from '../../support/stopwatch.ts'

interface Told {
  readonly level: 'info' | 'warn'
  readonly text: string
  readonly fields: object
}

function listener() {
  const told: Told[] = []
  const at = (level: Told['level']) => (fields: object, text: string) => void told.push({ level, fields, text })
  return { told, info: at('info'), warn: at('warn') }
}

const many = { size: 1024 ** 3, files: 1000 }
const record = (n: number, length = 100) => `{"n":${n},"fill":"${'x'.repeat(length)}"}\n`

/** Every line of all files, oldest first. */
async function linesOf(path: string): Promise<number[]> {
  const files = (await openSet(path)).reverse()
  const numbers: number[] = []
  for (const { file } of files) {
    const text = await file.readFile('latin1')
    await file.close()
    assert.ok(text === '' || text.endsWith('\n'))
    for (const line of text.split('\n')) if (line !== '') numbers.push((JSON.parse(line) as { n: number }).n)
  }
  return numbers
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)

test('records are appended, and the file is for its owner and group', async t => {
  const path = join(await tempDirectory(t, 'decisions'), 'below', 'decisions.jsonl')
  const file = await DecisionFile.open({ path, ...many }, listener())
  for (const n of upTo(10)) file.add(record(n))
  await file.close()
  assert.deepEqual(await linesOf(path), upTo(10))
  assert.equal((await stat(path)).mode & 0o777, 0o640 & ~process.umask())
  const again = await DecisionFile.open({ path, ...many }, listener())
  again.add(record(10))
  await again.close()
  assert.deepEqual(await linesOf(path), upTo(11))
})

test('a full file makes room for a new one, no record is lost in between, and the oldest files go', async t => {
  const folder = await tempDirectory(t, 'decisions')
  const path = join(folder, 'decisions.jsonl')
  await writeFile(`${path}.bak`, 'of somebody else')
  const file = await DecisionFile.open({ path, size: 2_000, files: 1000 }, listener())
  for (const n of upTo(100)) {
    file.add(record(n))
    if (n % 4 === 0) await file.flush()
  }
  await file.close()
  assert.deepEqual(await linesOf(path), upTo(100))
  const names = await readdir(folder)
  assert.ok(names.length > 5, names.join())
  for (const name of names) assert.ok((await stat(join(folder, name))).size <= 2_000, name)

  const few = await DecisionFile.open({ path, size: 2_000, files: 3 }, listener())
  for (const n of upTo(60)) {
    few.add(record(100 + n))
    if (n % 4 === 0) await few.flush()
  }
  await few.close()
  assert.equal((await readdir(folder)).filter(name => name.startsWith('decisions.jsonl')).length, 3 + 1)
  const kept = await linesOf(path)
  assert.equal(kept.at(-1), 159)
  assert.deepEqual(kept, upTo(160).slice(-kept.length))
  assert.equal(await readFile(`${path}.bak`, 'utf8'), 'of somebody else')
})

test('two gates that share a file, and find it full at the same time, lose nothing and tear nothing', async t => {
  const path = join(await tempDirectory(t, 'decisions'), 'decisions.jsonl')
  const gates = await Promise.all(
    [0, 1, 2].map(() => DecisionFile.open({ path, size: 5_000, files: 1000 }, listener())),
  )
  for (let round = 0; round < 50; round++) {
    for (const [i, gate] of gates.entries()) for (let n = 0; n < 4; n++) gate.add(record((round * 3 + i) * 4 + n))
    await Promise.all(gates.map(gate => gate.flush()))
  }
  await Promise.all(gates.map(gate => gate.close()))
  const found = await linesOf(path)
  assert.deepEqual(
    found.toSorted((a, b) => a - b),
    upTo(600),
  )
  assert.deepEqual(
    gates.map(({ dropped }) => dropped),
    [0, 0, 0],
  )
})

test('a file that was moved away, or removed, is begun anew without a signal', async t => {
  const path = join(await tempDirectory(t, 'decisions'), 'decisions.jsonl')
  const file = await DecisionFile.open({ path, ...many }, listener())
  file.add(record(0))
  await file.flush()
  await rename(path, `${path}.moved`)
  file.add(record(1))
  await file.flush()
  await rm(path)
  file.add(record(2))
  await file.close()
  assert.deepEqual(await linesOf(path), [2])
  assert.equal(await readFile(`${path}.moved`, 'utf8'), record(0))
})

test('a full disk costs records, which are counted, and one line of the log for each change', async t => {
  const path = join(await tempDirectory(t, 'decisions'), 'decisions.jsonl')
  // Each write to it fails with ENOSPC.
  await symlink('/dev/full', path)
  const log = listener()
  const file = await DecisionFile.open({ path, ...many }, log)
  for (const n of upTo(3)) {
    file.add(record(n))
    await file.flush()
  }
  assert.equal(file.dropped, 3)
  assert.deepEqual(
    log.told.map(({ level, text }) => `${level} ${text}`),
    ['warn decisions are not written'],
  )
  assert.deepEqual(log.told[0]?.fields, { event: 'decisions', file: path, error: 'ENOSPC' })
  await rm(path)
  for (const n of [3, 4]) {
    file.add(record(n))
    await file.flush()
  }
  await file.close()
  assert.deepEqual(await linesOf(path), [3, 4])
  assert.deepEqual(
    log.told.slice(1).map(({ level, text }) => `${level} ${text}`),
    ['info decisions are written again'],
  )
  assert.equal(file.dropped, 3)
})

test('where a file cannot be rotated it does not grow without end', async t => {
  // With a suffix the name is longer than a file system takes.
  const path = join(await tempDirectory(t, 'decisions'), 'n'.repeat(250))
  const log = listener()
  const file = await DecisionFile.open({ path, size: 1_000, files: 10 }, log)
  for (const n of upTo(3)) {
    file.add(record(n, 900))
    await file.flush()
  }
  await file.close()
  assert.deepEqual(await linesOf(path), [0])
  assert.equal(file.dropped, 2)
  assert.deepEqual(
    log.told.map(({ text }) => text),
    ['decisions are not written'],
  )
})

test('a disk that takes nothing holds nobody: what waits is bounded, the rest is dropped', async t => {
  const path = join(await tempDirectory(t, 'decisions'), 'decisions.jsonl')
  execFileSync('mkfifo', [path])
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const log = listener()
  const file = await DecisionFile.open({ path, ...many }, log)
  const line = record(0, 4000)
  const took = stopwatch()
  for (let n = 0; n < 5_000; n++) file.add(line)
  await sleep(150)
  for (let n = 0; n < 5_000; n++) file.add(line)
  assert.ok(took() < 1_000, 'nobody waits for the disk')
  const { dropped } = file
  assert.ok(dropped > 5_000 && dropped < 10_000, `${dropped}`)
  assert.deepEqual(
    log.told.map(({ fields, text }) => [text, (fields as { error: string }).error]),
    [['decisions are not written', 'the disk is slow']],
  )
  let read = 0
  const writing = file.flush()
  const drain = async () => {
    const piece = Buffer.alloc(65_536)
    for (;;) {
      const { bytesRead } = await reader.read(piece).catch(() => ({ bytesRead: 0 }))
      read += bytesRead
      if (bytesRead === 0) await sleep(1)
      if (read === (10_000 - dropped) * line.length) return
    }
  }
  await Promise.all([drain(), writing])
  await file.close()
  await reader.close()
  assert.equal(file.dropped, dropped)
  assert.equal(log.told.at(-1)?.text, 'decisions are written again')
})
