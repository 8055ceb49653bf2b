import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect } from '../support/dialogue.ts'
import { startGate } from '../support/gate.ts'
import { tempDirectory } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startSink } from '../support/sink.ts'
import { believing, connectAs, sendMail } from './client.ts'

const sink = await startSink({ after }, { proxy: true })
const base = `backend: 127.0.0.1:${sink.port}\n`

test('it listens on IPv4 and IPv6, each by itself or both by the port alone, and shows addresses as they are', async t => {
  const [ipv4, ipv6, both] = [await freePort(), await freePort(), await freePort()]
  const gate = await startGate(
    t,
    `${base}greet: { wait: 0s }\nlisten: ['127.0.0.1:${ipv4}', '[::1]:${ipv6}', ':${both}']`,
  )
  assert.deepEqual(gate.listen.slice(0, 2), [`127.0.0.1:${ipv4}`, `[::1]:${ipv6}`])
  for (const [host, port] of [
    ['127.0.0.1', ipv4],
    ['::1', ipv6],
    ['127.0.0.1', both],
    ['::1', both],
  ] as const) {
    const seen = gate.log().length
    assert.match(await sendMail(await connect(t, { host, port }), 'Subject: x\r\n\r\n'), /^250 /)
    await gate.waitForSession(() => gate.log().length === seen + 1)
    assert.equal(gate.log()[seen]?.client, host)
    const source = sink.connections.findLast(({ header }) => header?.source !== undefined)?.header?.source
    assert.equal(source?.address, host.replace('::1', '0:0:0:0:0:0:0:1'))
  }
})

test('a port that is taken keeps it from starting, with the reason and status 1', async t => {
  const gate = await startGate(t, base)
  const second = startGate(t, `${base}listen: ['${gate.listen[0]}']`)
  await assert.rejects(second, /EADDRINUSE.*|ended \(code 1\)/s)
  await assert.rejects(second, new RegExp(`listen EADDRINUSE: address already in use ${gate.listen[0]}`))
})

test('lists in files decide who is let in, and do so anew when a file changes, without a signal', async t => {
  const folder = await tempDirectory(t, 'lists')
  const [allow, deny] = [join(folder, 'allow'), join(folder, 'deny')]
  await writeFile(allow, '# our branch offices\n198.51.100.0/24\n')
  await writeFile(deny, '192.0.2.0/24  # bad neighbours\n2001:db8:bad::/48\n')
  const gate = await startGate(t, `${base}${believing}\naccess: { allow_files: [${allow}], deny_files: [${deny}] }`)
  const first = async (address: string) => (await (await connectAs(t, gate, address)).line()).slice(0, 4)
  assert.deepEqual(
    [await first('198.51.100.7'), await first('192.0.2.7'), await first('2001:db8:bad::7'), await first('203.0.113.7')],
    ['220 ', '521 ', '521 ', '220-'],
  )
  await writeFile(`${deny}.new`, '203.0.113.0/24\n')
  await rename(`${deny}.new`, deny)
  await writeFile(allow, '192.0.2.7\nno address\n')
  await gate.waitForLine(({ file, msg }) => file === deny && msg === 'access list read again', 12_000)
  assert.deepEqual([await first('203.0.113.7'), await first('192.0.2.7')], ['521 ', '220-'])
  // A file with an error changes nothing, and the log says which line it is.
  const refused = await gate.waitForLine(({ file, level }) => file === allow && level === 'warn')
  assert.match(String(refused['problems']), /allow:2: .*no address/)
  assert.equal(await first('198.51.100.7'), '220 ')
})

test('SIGHUP takes a new configuration, and keeps the old one where the new one is wrong', async t => {
  const gate = await startGate(t, `${base}${believing}\naccess: { deny: [192.0.2.7] }`)
  const first = async (address: string) => (await (await connectAs(t, gate, address)).line()).slice(0, 4)
  assert.equal(await first('192.0.2.7'), '521 ')
  await writeFile(gate.file, gate.settings.replace('deny: [192.0.2.7]', 'deny: [192.0.2.8]'))
  gate.signal('SIGHUP')
  await gate.waitForLine(({ msg }) => msg === 'the new configuration is in force')
  assert.deepEqual([await first('192.0.2.7'), await first('192.0.2.8')], ['220-', '521 '])
  await writeFile(gate.file, gate.settings.replace('deny: [192.0.2.7]', 'deny: [192.0.2.300]'))
  gate.signal('SIGHUP')
  await gate.waitForLine(({ msg }) => /sallyport\.yaml:\d+:\d+ access\.deny\[0\]: /.test(String(msg)))
  await gate.waitForLine(({ msg }) => msg === 'the configuration was not taken; the old one stays in force')
  assert.equal(await gate.metric('sallyport_config_reload_successful'), 0)
  assert.equal(await first('192.0.2.8'), '521 ')
})
