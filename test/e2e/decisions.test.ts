import assert from 'node:assert/strict'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { cli, failToStart, type RunningGate, startGate } from '../support/gate.ts'
import { tempDirectory } from '../support/owner.ts'
import { type Finished, run } from '../support/process.ts'
import { startSink } from '../support/sink.ts'
import { until } from '../support/until.ts'
import { believing, connectAs, sendMail } from './client.ts'

async function startRecording(t: TestContext, decisions: string): Promise<RunningGate> {
  const sink = await startSink(t, { proxy: true })
  return startGate(t, `backend: 127.0.0.1:${sink.port}\n${believing}\ngreet: { wait: 0s }\n${decisions}`)
}

const mailFrom = async (t: TestContext, gate: RunningGate, address: string) =>
  sendMail(await connectAs(t, gate, address), 'Subject: x\r\n')

const sallyport = (gate: RunningGate, command: string): Promise<Finished> =>
  run('sh', ['-c', `cd '${gate.folder}' && node ${cli} ${command}`])

const idsIn = async (path: string): Promise<string[]> => {
  const text = await readFile(path, 'latin1').catch(() => '')
  return [...text.matchAll(/^\{"v":1,"id":"(\w+)"/gm)].map(([, id = '']) => id)
}

test('a reload begins, moves and ends the records; each session is in one file', async t => {
  const gate = await startRecording(t, '')
  const reloads = () => gate.lines().filter(({ msg }) => /is in force$/.test(String(msg))).length
  const reload = async (decisions: string) => {
    const before = reloads()
    await writeFile(gate.file, `${gate.settings}${decisions}`)
    gate.signal('SIGHUP')
    await until('the configuration is in force', () => reloads() > before)
  }
  const [one, two] = [join(gate.folder, 'one/d.jsonl'), join(gate.folder, 'two/d.jsonl')]
  await mailFrom(t, gate, '192.0.2.1')
  await reload('decisions: { file: one/d.jsonl }\n')
  await mailFrom(t, gate, '192.0.2.2')
  await gate.waitForSession(({ client }) => client === '192.0.2.2')
  await reload('decisions: { file: two/d.jsonl, size: 64k }\n')
  await mailFrom(t, gate, '192.0.2.3')
  await until('the record of the third is written', async () => (await idsIn(two)).length === 1)
  await reload('')
  await mailFrom(t, gate, '192.0.2.4')
  await gate.waitForSession(({ client }) => client === '192.0.2.4')
  await gate.stop()
  const idOf = (address: string) => gate.log().find(({ client }) => client === address)?.id
  assert.deepEqual(await idsIn(one), [idOf('192.0.2.2')])
  assert.deepEqual(await idsIn(two), [idOf('192.0.2.3')])
})

test('what waits is written when the gate stops', async t => {
  const gate = await startRecording(t, 'decisions: { file: d.jsonl }')
  await mailFrom(t, gate, '192.0.2.1')
  await gate.stop()
  assert.equal((await idsIn(join(gate.folder, 'd.jsonl'))).length, 1)
})

test('a disk that is full costs records and no mail; the metric counts them, and the log tells it once', async t => {
  const folder = await tempDirectory(t, 'full')
  await symlink('/dev/full', join(folder, 'd.jsonl'))
  const gate = await startRecording(t, `decisions: { file: ${folder}/d.jsonl }`)
  for (const n of [1, 2, 3]) {
    assert.match(await mailFrom(t, gate, `192.0.2.${n}`), /^250 /)
    await gate.waitForMetric('sallyport_decisions_dropped_total', n)
  }
  const told = gate.lines().filter(({ event }) => event === 'decisions')
  assert.deepEqual(
    told.map(({ level, error }) => [level, error]),
    [['warn', 'ENOSPC']],
  )
})

test('a gate whose records have no place does not start, and says why', async t => {
  const folder = await tempDirectory(t, 'taken')
  const { code, output } = await failToStart(t, `decisions: { file: ${folder} }`)
  assert.equal(code, 1)
  assert.match(output, /decisions\.file: EISDIR/)
})

test('explain, replay and try end with 0, 1 and 2 as they say', async t => {
  const gate = await startRecording(t, 'decisions: { file: d.jsonl }')
  await mailFrom(t, gate, '192.0.2.1')
  const { id } = await gate.waitForSession(() => true)
  await gate.stop()
  await writeFile(join(gate.folder, 'off.yaml'), 'backend: 127.0.0.1:1\ngreet: { wait: 0s }\n')
  await writeFile(join(gate.folder, 'bad.smtp'), 'D: x\nclient: y\n')
  await writeFile(join(gate.folder, 'good.smtp'), 'C: QUIT\n')
  const cases: readonly (readonly [command: string, code: number, words: RegExp])[] = [
    [`explain ${id} -c ${gate.file}`, 0, /PASSED: its messages: 1 accepted/],
    [`explain ref=${id.toUpperCase()} -c ${gate.file}`, 0, /PASSED/],
    [`explain --json ${id} -c ${gate.file}`, 0, new RegExp(`"id": "${id}"`)],
    [`explain 000000000000 -c ${gate.file}`, 1, /no record of 000000000000 in d\.jsonl/],
    [`explain ${id} -c off.yaml`, 2, /no records are written: name a file in decisions\.file/],
    ['explain somebody -c off.yaml', 2, /neither an address nor a reference id: somebody/],
    ['explain -c off.yaml', 2, /explain: REF or ADDRESS is missing/],
    ['explain a b -c off.yaml', 2, /explain: unexpected b/],
    ['explain 203.0.113.1 -c off.yaml', 1, /your lists +on none/],
    [`explain 192.0.2.1 -c ${gate.file}`, 0, /memory +passed /],
    [`replay d.jsonl -c off.yaml`, 0, /^1 records/],
    [`replay - -c off.yaml < d.jsonl`, 0, /nothing would change/],
    [`replay --json d.jsonl -c off.yaml`, 0, /"records": 1,/],
    ['replay none.jsonl -c off.yaml', 2, /none\.jsonl: no such file/],
    ['replay /dev/null -c off.yaml', 1, /no record in/],
    ['replay --examples many d.jsonl -c off.yaml', 2, /--examples is no number/],
    ['try good.smtp -c off.yaml', 0, /221 2\.0\.0 Bye/],
    ['try - -c off.yaml < good.smtp', 0, /221 2\.0\.0 Bye/],
    ['try --json good.smtp -c off.yaml', 0, /"dialogue": \[/],
    ['try bad.smtp -c off.yaml', 2, /bad\.smtp:1: neither.*\n.*bad\.smtp:2: client: no address: y/],
    ['try none.smtp -c off.yaml', 2, /ENOENT/],
  ]
  for (const [command, code, words] of cases) {
    const found = await sallyport(gate, command)
    assert.equal(found.code, code, `${command}\n${found.output}`)
    assert.match(found.output.replace(/^sallyport: configuration .*\n/, ''), words, command)
  }
})

test('the latest record of a reference is found in whatever file and at whatever place it is', async t => {
  const gate = await startRecording(t, 'decisions: { file: set/d.jsonl }')
  await mailFrom(t, gate, '192.0.2.1')
  const { id } = await gate.waitForSession(() => true)
  await gate.stop()
  const path = join(gate.folder, 'set/d.jsonl')
  const line = await readFile(path, 'latin1')
  const named = (name: string) => line.replaceAll(id, name)
  const padding = (count: number) => named('000000000000').repeat(count)
  // Three megabytes, so that a record lies across the pieces in which it is read, whatever its length.
  const lines = Array.from({ length: Math.ceil(3_000_000 / line.length) }, (_, n) => named(String(n).padStart(12, '0')))
  await writeFile(
    `${path}.20260101T000000.000Z-aaaa`,
    `${named('oldestrecord')}${padding(10)}torn ${named('tornrecord00')}`,
  )
  await writeFile(`${path}.20260102T000000.000Z-aaaa`, lines.join(''))
  await mkdir(join(gate.folder, 'set/d.jsonl.20260103T000000.000Z-aaaa.d'))
  const { findDecision } = await import('@sallyport/proxy/decisions/find-decision.js')
  for (let n = 0; n < lines.length; n += 7) {
    const name = String(n).padStart(12, '0')
    assert.equal((await findDecision(path, name))?.decision.id, name)
  }
  assert.ok((await findDecision(path, 'oldestrecord')) !== null)
  assert.equal(await findDecision(path, 'tornrecord00'), null)
  assert.equal((await findDecision(path, id))?.path, path)
})
