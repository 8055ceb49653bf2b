import assert from 'node:assert/strict'
import { utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { assertFinding, diagnose } from '../support/doctor.ts'
import { startGate } from '../support/gate.ts'
import { type Owner, tempDirectory, undoAfter } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { startRbldnsd } from '../support/rbldnsd.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { startCluster, startWatched } from '../support/redis-topology.ts'

async function redisFor(owner: Owner, ...settings: readonly string[]): Promise<RedisServer> {
  const redis = await startRedis(undefined, settings)
  undoAfter(owner, () => redis.stop())
  return redis
}

const storeAt = (port: number, more = '') =>
  `store: { kind: redis, url: 'redis://:hush@127.0.0.1:${port}', command_wait: 2s${more} }`

test('Redis that does all that the gate asks, and keeps nothing of it', async t => {
  const redis = await redisFor(t, '--requirepass', 'hush')
  const found = await diagnose(t, storeAt(redis.port))
  assert.deepEqual([found.code, found.troubles], [0, []])
  for (const point of ['reachable', 'PING', 'write', 'remove']) {
    const finding = found.of(point, `redis 127.0.0.1:${redis.port}`)
    assert.equal(finding.level, 'ok')
    assert.ok(finding.ms !== null)
  }
  assert.equal(await redis.command('DBSIZE'), '0')
  assert.doesNotMatch(JSON.stringify(found), /hush/)
})

test('Redis that is dead, hangs, knows another password, gives no rights, or takes no writes', async t => {
  const dead = await diagnose(t, storeAt(await freePort()))
  assert.deepEqual([dead.code, dead.troubles], [1, ['FAIL reachable']])
  assertFinding(dead.of('reachable', 'redis'), 'FAIL', /ECONNREFUSED/, /mail flows without/)

  const other = await redisFor(t, '--requirepass', 'another')
  assertFinding((await diagnose(t, storeAt(other.port))).of('reachable', 'redis'), 'FAIL', /WRONGPASS/)

  const strict = await redisFor(t, '--requirepass', 'hush')
  await strict.command('ACL', 'SETUSER', 'gate', 'on', '>word', '~sallyport:*', '+@connection', '+info')
  const mine = `store: { kind: redis, url: 'redis://gate:word@127.0.0.1:${strict.port}', command_wait: 2s }`
  const forbidden = await diagnose(t, mine)
  assertFinding(forbidden.of('write'), 'FAIL', /NOPERM/, /\+@scripting/)
  assert.deepEqual(forbidden.troubles, ['FAIL write', 'FAIL remove'])
  // The rights that the advice names are enough.
  await strict.command('ACL', 'SETUSER', 'gate', '+@read', '+@write', '+@scripting', '+@connection', '+time')
  assert.deepEqual((await diagnose(t, mine)).troubles, [])

  await strict.command('REPLICAOF', '127.0.0.1', '1')
  assertFinding((await diagnose(t, storeAt(strict.port))).of('write'), 'FAIL', /READONLY/, /takes writes/)

  strict.pause()
  assertFinding((await diagnose(t, storeAt(strict.port))).of('reachable', 'redis'), 'FAIL', /./, /is it running/)
})

test('Redis behind Sentinels, and a cluster of which a node is dead', async t => {
  const { sentinel } = await startWatched(t)
  const watched = `store: { kind: redis, sentinels: ['127.0.0.1:${sentinel.port}'], master_name: mail, command_wait: 2s }`
  const well = await diagnose(t, watched)
  assert.deepEqual([well.code, well.troubles], [0, []])
  assert.equal(well.of('write', `redis mail of sentinels 127.0.0.1:${sentinel.port}`).level, 'ok')
  const stranger = await diagnose(t, watched.replace('mail,', 'other,'))
  assertFinding(stranger.of('reachable', 'redis other'), 'FAIL', /./, /store\.master_name/)

  const nodes = await startCluster(t)
  const cluster = `store: { kind: redis, cluster: ['127.0.0.1:${nodes[0]?.port}'], command_wait: 2s }`
  const whole = await diagnose(t, cluster)
  assert.deepEqual([whole.code, whole.troubles], [0, []])
  await nodes[2]?.stop()
  const broken = await diagnose(t, cluster)
  assertFinding(broken.of('reachable', 'redis cluster'), 'FAIL', /ECONNREFUSED/, /store\.cluster/)
})

test('DNS lists: the test points of RFC 5782 5, refusals, and zones that are not there', async t => {
  const dns = await startRbldnsd(t, {
    'good.example.test': ['127.0.0.2 :127.0.0.2:Listed'],
    'all.example.test': ['127.0.0.0/8 :127.0.0.2:Listed'],
    'refuses.example.test': ['127.0.0.2 :127.255.255.254:Refused'],
    'sold.example.test': ['127.0.0.2 :192.0.2.80:Buy this domain'],
    'empty.example.test': ['192.0.2.1 :127.0.0.2:Listed'],
    'key.example.test': ['127.0.0.2 :127.0.0.2:Listed'],
  })
  const zones = `
  - good.example.test
  - all.example.test
  - refuses.example.test
  - sold.example.test
  - empty.example.test
  - absent.example.test
  - { zone: key.example.test, name: list with a key, answers: 127.0.0.9 }`
  const found = await diagnose(t, `dnsbl:\n  resolvers: ['${dns.server}']\n  zones:${zones.replaceAll('\n', '\n  ')}`)
  const first = (list: string) => found.of('127.0.0.2', `list ${list}`)
  const second = (list: string) => found.of('127.0.0.1', `list ${list}`)
  assertFinding(found.of(dns.server, 'resolver'), 'ok', /^it answers$/)
  assertFinding(first('good'), 'ok', /^listed: 127\.0\.0\.2$/)
  assertFinding(second('good'), 'ok', /^not listed$/)
  assertFinding(second('all'), 'FAIL', /^listed, as it must not be /, /lists everybody/)
  assertFinding(first('refuses'), 'FAIL', /^127\.255\.255\.254$/, /refuses this resolver/)
  assertFinding(first('sold'), 'FAIL', /^192\.0\.2\.80$/, /was sold/)
  assertFinding(first('empty'), 'FAIL', /^not listed, as it must be /, /dead/)
  assertFinding(first('absent'), 'FAIL', /^no answer \(EREFUSED\)$/)
  assertFinding(second('absent'), 'FAIL', /^no answer \(EREFUSED\)$/)
  assertFinding(first('list with a key'), 'warn', /^listed, but not by the answers that count: 127\.0\.0\.2$/)
  assert.doesNotMatch(JSON.stringify(found), /key\.example/)
  assert.equal(found.code, 1)
})

test('a name server that is dead, and lists that nobody can ask', async t => {
  const dead = `127.0.0.1:${await freePort('udp')}`
  const found = await diagnose(t, `dnsbl: { zones: [bl.example.test], resolvers: ['${dead}'], wait: 500ms }`)
  assertFinding(found.of(dead), 'FAIL', /^no answer \(ECONNREFUSED\)$/, /take it out/)
  assertFinding(found.of('127.0.0.2'), 'FAIL', /^no answer \(ECONNREFUSED\)$/)
  assert.deepEqual(found.troubles, [`FAIL ${dead}`, 'FAIL 127.0.0.2', 'FAIL 127.0.0.1'])
})

test('ports: free, of a gate that runs, of another program, of another host', async t => {
  const gate = await startGate(t, '')
  const other = createServer().listen(0, '127.0.0.1')
  undoAfter(t, () => void other.close())
  await new Promise(resolve => other.once('listening', resolve))
  const address = other.address()
  const taken = typeof address === 'object' ? address?.port : 0
  const admin = (port: number) => `admin: { listen: '127.0.0.1:${port}' }`
  const running = await diagnose(t, `listen: ['127.0.0.1:${gate.port}']\n${admin(gate.adminPort)}`)
  assertFinding(running.of(`port 127.0.0.1:${gate.port}`), 'ok', /^in use; a gate answers on the admin port$/)
  const ports = `listen: ['127.0.0.1:${taken}', '192.0.2.1:25', '127.0.0.1:${await freePort()}']`
  const found = await diagnose(t, `${ports}\n${admin(await freePort())}`)
  assertFinding(found.of(`port 127.0.0.1:${taken}`), 'warn', /^in use$/, /another program/)
  assertFinding(found.of('port 192.0.2.1:25'), 'FAIL', /^EADDRNOTAVAIL$/, /one of this host/)
  assert.deepEqual([found.code, found.findings.filter(({ saw }) => saw === 'free').length], [1, 1])
})

test('host name, descriptors, access files', async t => {
  const folder = await tempDirectory({ after }, 'access')
  await writeFile(join(folder, 'good'), '192.0.2.0/24\n198.51.100.1\n')
  await writeFile(join(folder, 'bad'), '192.0.2.0/24\nnonsense\n')
  const settings = 'hostname: gate\nlimits: { connections: 1000000 }\n'
  const found = await diagnose(t, `${settings}access: { allow_files: ['${folder}/good'] }`)
  assertFinding(found.of('hostname'), 'warn', /^gate has no dot$/, /RFC 5321 4\.1\.1\.1/)
  assertFinding(found.of('descriptors'), 'warn', /^\d+, of which limits\.connections may need 2000100$/, /LimitNOFILE/)
  assertFinding(found.of('access files'), 'ok', /^2 allowed, 0 denied$/)
  const bad = await diagnose(t, `access: { deny_files: ['${folder}/bad', '${folder}/none'] }`)
  assert.deepEqual([bad.code, bad.troubles], [1, ['FAIL access file', 'FAIL access file']])
  assertFinding(bad.of('access file'), 'FAIL', /bad:2: .*nonsense/, /does not start/)
})

test('a store file that two gates write', async t => {
  const folder = await tempDirectory(t, 'store')
  const file = join(folder, 'clients.json')
  const settings = `store: { kind: memory, file: ${file} }`
  const sound = await diagnose(t, settings)
  assert.ok(!sound.findings.some(({ point }) => point === 'store file'))
  await writeFile(`${file}.shared`, '')
  assertFinding((await diagnose(t, settings)).of('store file'), 'warn', /is written by two gates$/, /of its own/)
  await utimes(`${file}.shared`, 1, 1)
  assert.ok(!(await diagnose(t, settings)).findings.some(({ point }) => point === 'store file'))
})

test('the embedded mail server needs no looking at', async t => {
  const found = await diagnose(t, 'backend: embedded')
  assert.deepEqual([found.code, found.troubles], [0, []])
  assertFinding(found.of('reachable', 'backend'), 'ok', /^it starts with the gate/)
})
