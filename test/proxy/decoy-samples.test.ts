import assert from 'node:assert/strict'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Samples } from '@sallyport/proxy/decoy/samples.js'
import { tempDirectory } from '../support/owner.ts'

test('the latest samples are kept, the oldest go, also over a restart and when somebody has taken them away', async t => {
  const folder = join(await tempDirectory(t, 'decoy'), 'samples')
  const samples = await Samples.open(folder, 3)
  for (let i = 0; i < 5; i++) await samples.keep(Buffer.from(`message ${i}`), 1_000 + Math.floor(i / 2))
  const names = await readdir(folder)
  assert.deepEqual(names.sort(), ['0000000001001-000002.eml', '0000000001001-000003.eml', '0000000001002-000004.eml'])
  assert.equal((await stat(join(folder, names[0] ?? ''))).mode & 0o777, 0o600)
  assert.equal((await stat(folder)).mode & 0o777, 0o700)

  await writeFile(join(folder, 'notes.txt'), 'of the operator')
  await Samples.open(folder, 2)
  assert.deepEqual((await readdir(folder)).sort(), [...names.slice(1), 'notes.txt'])
  const again = await Samples.open(folder, 1)
  await again.keep(Buffer.from('the last'), 5_000)
  assert.deepEqual((await readdir(folder)).sort(), ['0000000005000-000000.eml', 'notes.txt'])
  assert.equal(await readFile(join(folder, '0000000005000-000000.eml'), 'utf8'), 'the last')
})

test('two that come in the same millisecond of two lives of the gate do not take each other for one', async t => {
  const folder = await tempDirectory(t, 'decoy')
  await (await Samples.open(folder, 9)).keep(Buffer.from('first'), 1_000)
  await assert.rejects((await Samples.open(folder, 9)).keep(Buffer.from('second'), 1_000), /EEXIST/)
  assert.equal(await readFile(join(folder, '0000000001000-000000.eml'), 'utf8'), 'first')
})
