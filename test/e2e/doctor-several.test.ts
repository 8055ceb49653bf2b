import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { makeAuthority } from '../support/authority.ts'
import { assertFinding, diagnose } from '../support/doctor.ts'
import { tempDirectory } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startPostfix } from '../support/postfix.ts'
import { startSink } from '../support/sink.ts'

// What two servers that stand in for each other have had done to them: nothing, and one keyword less and less room.
const postfix = await startPostfix({ after })
const lesser = await startPostfix(
  { after },
  { main: { smtpd_discard_ehlo_keywords: 'chunking, silent-discard', message_size_limit: '5000000' } },
)
const first = `127.0.0.1:${postfix.ports.proxy}`
const second = `127.0.0.1:${lesser.ports.proxy}`
const listOf = (...servers: readonly string[]) => `[${servers.map(server => `'${server}'`).join(', ')}]`
const group = (...servers: readonly string[]) => `backend: { servers: ${listOf(...servers)} }\n`
const route = (domain: string, ...servers: readonly string[]) =>
  `routes: [{ domains: [${domain}], backend: { servers: ${listOf(...servers)} } }]\n`

test('every server of every group is looked at once, under the group that names it first', async t => {
  const found = await diagnose(t, `${group(first, second)}${route('a.example, b.example', second, first)}`)
  const subjects = new Set(found.findings.map(({ subject }) => subject))
  assert.deepEqual(
    [...subjects].filter(subject => subject !== 'this host'),
    [
      `backend ${first}, identity proxy_v2`,
      `backend ${second}, identity proxy_v2`,
      'backend',
      'routes[0].backend, for a.example b.example',
      'all servers',
    ],
  )
  for (const name of [first, second]) {
    assertFinding(found.of('identity', `backend ${name}`), 'ok', /believes the header$/)
    assertFinding(found.of('relay', `backend ${name}`), 'ok', /^refused for 203\.0\.113\.77/)
  }
  assertFinding(found.of('servers', 'backend'), 'ok', /^2 of 2 can be used$/)
  assert.deepEqual([found.code, found.troubles], [0, ['warn keywords']])
})

test('keywords: what all have is offered; what not all have is told, with who has it', async t => {
  const found = await diagnose(t, group(first, second))
  const { saw, level } = found.of('keywords', 'all servers')
  const [offer = '', rest = ''] = saw.split('; not offered, as not all have it: ')
  assert.match(offer, /^PIPELINING \(known clients\), SIZE 5000000, .*8BITMIME/)
  assert.doesNotMatch(offer, /CHUNKING/)
  assert.equal(rest, `SIZE 10240000 (${first}), CHUNKING (${first})`)
  assert.equal(level, 'warn')
  // Other domains may well have another kind of server.
  const apart = await diagnose(t, `backend: '${first}'\n${route('a.example', second)}`)
  assertFinding(apart.of('keywords', 'all servers'), 'ok', /; not offered, as not all have it: SIZE 10240000 /)
  assert.deepEqual([apart.code, apart.troubles], [0, []])
  const alike = await diagnose(t, group(first, `localhost:${postfix.ports.proxy}`))
  assertFinding(alike.of('keywords', 'all servers'), 'ok', /^PIPELINING .*, CHUNKING$/)
})

test('one of two is down: a warning; both, or the only one of a route: a fault', async t => {
  const down = `127.0.0.1:${await freePort()}`
  const one = await diagnose(t, group(down, first))
  assert.deepEqual([one.code, one.troubles], [0, ['warn reachable']])
  assertFinding(one.of('reachable', `backend ${down}`), 'warn', /^ECONNREFUSED$/)
  assertFinding(one.of('servers', 'backend'), 'ok', new RegExp(`^1 of 2 can be used; not ${down}$`))
  const other = `127.0.0.1:${await freePort()}`
  const both = await diagnose(t, group(down, other))
  assert.deepEqual([both.code, both.troubles], [1, ['FAIL reachable', 'FAIL reachable', 'FAIL servers']])
  assertFinding(both.of('servers', 'backend'), 'FAIL', /^none of 2 can be used$/, /451/)
  const many = Array.from({ length: 5 }, (_, i) => `${i}.example`).join(', ')
  const spare = `127.0.0.1:${await freePort()}`
  const cut = await diagnose(t, `${group(first)}${route(many, down, spare)}`)
  assertFinding(cut.of('servers', 'routes[0].backend, for 0.example 1.example 2.example and 2 more'), 'FAIL', /^none/)
  // It has a stand-in in one of its groups, and none in the other.
  const routed = await diagnose(t, `${group(first, down)}${route('a.example', down)}`)
  assert.deepEqual([routed.code, routed.troubles], [1, ['FAIL reachable']])
})

test('what has to be set otherwise is a fault, whoever stands beside it', async t => {
  const deaf = `127.0.0.1:${postfix.ports.plain}`
  const found = await diagnose(t, group(first, deaf))
  assert.deepEqual([found.code, found.troubles], [1, ['FAIL EHLO']])
  assertFinding(found.of('EHLO', `backend ${deaf}`), 'FAIL', /header there\?$/, /^it greets without a header/)
  assertFinding(found.of('servers', 'backend'), 'ok', /^1 of 2 can be used; not /)
  const open = await startSink(t, { proxy: true })
  const relay = await diagnose(t, group(first, `127.0.0.1:${open.port}`))
  assert.equal(relay.code, 1)
  assertFinding(relay.of('relay', `backend 127.0.0.1:${open.port}`), 'FAIL', /^OPEN RELAY: /)
  const silent = await diagnose(
    t,
    `backend: { servers: ${listOf(`127.0.0.1:${postfix.ports.xclient}`, deaf)}, identity: xclient }`,
  )
  assertFinding(silent.of('identity', `backend ${deaf}`), 'FAIL', /^XCLIENT is not offered to the gate$/)
  assertFinding(silent.of('servers', 'backend'), 'ok', new RegExp(`^1 of 2 can be used; not ${deaf}$`))
  // One that relays for strangers does not stand in for one that is down.
  const down = `127.0.0.1:${await freePort()}`
  const neither = await diagnose(t, group(down, `127.0.0.1:${open.port}`))
  assertFinding(neither.of('reachable', `backend ${down}`), 'FAIL', /^ECONNREFUSED$/)
})

test('a file of CAs that cannot be used is told of once, and all else is looked at', async t => {
  const folder = await tempDirectory(t, 'cas')
  const cut = join(folder, 'cut.pem')
  await writeFile(cut, '-----BEGIN CERTIFICATE-----\nMIIB\n')
  const authority = await makeAuthority(t)
  const settings = (ca: string) =>
    `backend: { servers: ${listOf(first, second)}, tls: off, tls_ca: '${ca}' }\nhostname: gate.example.test\n`
  for (const [ca, why] of [
    [join(folder, 'none.pem'), /none\.pem: cannot be read \(ENOENT\)$/],
    [cut, /cut\.pem: no certificate in PEM/],
    [folder, /: not a file$/],
  ] as const) {
    const found = await diagnose(t, settings(ca))
    assert.deepEqual([found.code, found.troubles], [1, ['FAIL tls_ca', 'warn keywords']])
    assertFinding(found.of('tls_ca', 'backend'), 'FAIL', why, /the gate does not start with it/)
    assertFinding(found.of('relay', `backend ${second}`), 'ok', /^refused/)
  }
  assert.deepEqual((await diagnose(t, settings(authority.file))).troubles, ['warn keywords'])
})
