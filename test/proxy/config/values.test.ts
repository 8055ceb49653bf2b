import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import test from 'node:test'
import { defaultConfig } from '@sallyport/proxy/config/parse.js'
import { renderConfig, writtenOf } from '@sallyport/proxy/config/render.js'
import {
  formatDuration,
  formatEndpoint,
  formatSize,
  parseDuration,
  parseEndpoint,
  parseRedisUrl,
  parseSize,
} from '@sallyport/proxy/config/scalars.js'
import { faded } from '@sallyport/rules'
import fc from 'fast-check'
import { configOf } from '../../support/config.ts'

const alone = (host: string, port: number) => ({ address: { host, port }, weight: 1 })

test('values: an empty file is the defaults', () => {
  const { policy, ...others } = defaultConfig()
  assert.deepEqual(configOf(''), defaultConfig())
  assert.deepEqual(configOf('# nothing\n'), defaultConfig())
  assert.deepEqual(policy, {
    preset: 'gentle',
    checks: {},
    score: { defer: 5, refuse: 10 },
    offenceTtl: 86_400,
    delays: {},
    exceptions: [],
  })
  assert.deepEqual(others, {
    hostname: hostname(),
    listen: [{ host: '127.0.0.1', port: 2525, tls: 'off', reusePort: false }],
    tls: { certificates: [], minVersion: 'TLSv1.2', ciphers: null },
    trustedProxies: [],
    healthChecks: [],
    backend: {
      servers: null,
      pick: 'order',
      connections: 1000,
      queue: { length: 100, wait: 2000 },
      identity: 'proxy_v2',
      tls: 'auto',
      trustsGate: false,
      probeEvery: 300_000,
      connect: 'rcpt',
      auth: 'tls',
      maildir: 'var/mail',
    },
    routes: [],
    recipientDomains: [],
    trapRecipients: [],
    greet: { wait: 6000, networks: [] },
    access: { allow: [], deny: [], allowFiles: [], denyFiles: [] },
    dnsbl: { zones: [], resolvers: [], wait: 5000, ttl: { min: 60, max: 3600, fallback: 300 } },
    extensions: { withhold: [], verbs: 'any' },
    message: { bareNewline: 'normalise' },
    load: { eventLoop: 250, backend: 10_000, shed: 0.9, perClient: 10, perNetwork: 50 },
    turnedAway: 15_000,
    trap: { sessions: 1000, interval: 1000, piece: 2, octets: 67_108_864, wait: 600_000 },
    decoy: { messages: 100, size: 65_536, sessions: 100 },
    limits: { connections: 10_000, perClient: 50, perNetwork: 500, commandLine: 2048, commands: 5000 },
    timeouts: {
      proxyHeader: 5000,
      recall: 50,
      answers: 5000,
      tlsHandshake: 30_000,
      command: 300_000,
      suspect: 60_000,
      screening: 600_000,
      data: 180_000,
      session: 14_400_000,
      backendConnect: 5000,
      backendGreeting: 30_000,
      backendReply: 300_000,
      backendFinal: 600_000,
    },
    reputation: { fading: { bad: 86_400, good: 604_800 }, learnPrivate: false },
    breaker: { window: 21_600_000, clients: 3, share: 10, leap: 5, sessions: 50, rest: 900_000 },
    store: { kind: 'memory', file: 'var/clients.json', clients: 100_000 },
    modules: [],
    decisions: { file: null, size: 100 * 1024 * 1024, files: 10 },
    admin: { listen: { host: '127.0.0.1', port: 9525 } },
    log: { level: 'info' },
    drain: { delay: 0, wait: 60_000 },
  })
})

test('values: one line puts the gate in front of a mail server', () => {
  const { backend } = configOf('backend: 127.0.0.1:10025\n')
  assert.deepEqual(backend, { ...defaultConfig().backend, servers: [alone('127.0.0.1', 10_025)] })
  assert.deepEqual(configOf('backend: { address: postfix:25 }').backend.servers, [alone('postfix', 25)])
  assert.equal(configOf('backend: embedded').backend.servers, null)
})

test('values: several servers, and routes, in their short and long forms', () => {
  const { backend, routes } = configOf(`
backend:
  servers: ['10.0.0.1:25', { address: '10.0.0.2:25', weight: 3 }]
  pick: weight
  connections: 50
  queue: { length: 7, wait: 500ms }
routes:
  - { domains: [Example.org, '*.Example.net'], backend: '10.0.1.1:25' }
  - domains: [example.com]
    backend: { servers: [a:25, b:25], identity: proxy_v1, probe_every: 3s }
`)
  assert.deepEqual(backend.servers, [alone('10.0.0.1', 25), { ...alone('10.0.0.2', 25), weight: 3 }])
  assert.deepEqual(
    [backend.pick, backend.connections, backend.queue, backend.probeEvery],
    ['weight', 50, { length: 7, wait: 500 }, 10_000],
  )
  const { connect: _, auth: __, maildir: ___, ...preset } = defaultConfig().backend
  assert.deepEqual(routes, [
    { domains: ['example.org', '*.example.net'], backend: { ...preset, servers: [alone('10.0.1.1', 25)] } },
    {
      domains: ['example.com'],
      backend: { ...preset, servers: [alone('a', 25), alone('b', 25)], identity: 'proxy_v1', probeEvery: 3000 },
    },
  ])
})

const everything = `
hostname: MX1.Example.COM
listen: [":25", "[::1]:2525", localhost:0]
trusted_proxies: [192.0.2.10, 2001:db8::/64]
backend: { address: "192.0.2.1:25", identity: none, i_know_the_backend_sees_the_gate: true, probe_every: 1m, connect: mail, auth: never }
extensions: { withhold: [chunking], verbs: [XFOO] }
recipient_domains: [Example.com]
greet: { wait: 0s, networks: [{ network: 192.0.2.0/24, wait: 500ms }] }
dnsbl:
  zones:
    - zen.spamhaus.org=127.0.0.[2..11]*3
    - { zone: key.dq.example, name: dq.example, weight: -2, answers: "127.0.0.[2;4..6]" }
    - bare.example
  resolvers: [127.0.0.1, "127.0.0.1:5353", "[::1]:53"]
checks:
  pregreet: { action: drop, again: same, ttl: 2d }
  commands: { junk: 7, points: 3 }
  access: { enabled: false }
  pipelining: { again: drop }
message: { bare_newline: refuse }
limits: { command_line: 4k }
store: { kind: redis, url: "rediss://h:1", prefix: "x:" }
admin: { listen: off }
`

test('values: the edge and the backend arrive as they were written', () => {
  const config = configOf(everything)
  assert.equal(config.hostname, 'mx1.example.com')
  assert.deepEqual(config.listen.map(formatEndpoint), [':25', '[::1]:2525', 'localhost:0'])
  const trusted = config.trustedProxies.map(({ address, prefix }) => `${address.text}/${prefix}`)
  assert.deepEqual(trusted, ['192.0.2.10/32', '2001:db8::/64'])
  const servers = [alone('192.0.2.1', 25)]
  const { backend: preset } = defaultConfig()
  const backend = { ...preset, servers, identity: 'none', trustsGate: true, probeEvery: 60_000 }
  assert.deepEqual(config.backend, { ...backend, connect: 'mail', auth: 'never' })
  assert.deepEqual(config.extensions, { withhold: ['CHUNKING'], verbs: ['XFOO'] })
  assert.deepEqual(config.recipientDomains, ['example.com'])
  assert.equal(config.greet.wait, 0)
  assert.equal(config.greet.networks[0]?.wait, 500)
  assert.equal(config.message.bareNewline, 'refuse')
  assert.equal(config.limits.commandLine, 4096)
  const login = { username: null, password: null, tls: null }
  const redis = { url: 'rediss://h:1', ...login, prefix: 'x:', commandWait: 50, lease: 30_000 }
  assert.deepEqual(config.store, { kind: 'redis', ...redis, clients: 100_000 })
  assert.equal(config.admin.listen, null)
  assert.equal(configOf('admin: { listen: null }').admin.listen, null)
})

test('values: Sentinels, a cluster and TLS arrive as they were written, and are printed without their secrets', () => {
  const login = { username: 'gate', password: 'hush', tls: null }
  const others = { prefix: 'sallyport:', commandWait: 50, lease: 30_000, clients: 100_000 }
  const one = configOf(
    'store: { kind: redis, sentinels: ["s1:26379", "[::1]:2"], master_name: m, sentinel_password: psst, username: gate, password: hush }',
  )
  const sentinels = [
    { host: 's1', port: 26_379 },
    { host: '::1', port: 2 },
  ]
  assert.deepEqual(one.store, {
    kind: 'redis',
    ...{ sentinels, masterName: 'm', sentinelPassword: 'psst' },
    ...login,
    ...others,
  })
  assert.doesNotMatch(renderConfig(one), /psst|hush/)
  const two = configOf('store: { kind: redis, cluster: ["n:1"], tls: { ca: c.pem, server_name: Redis.example } }')
  const tls = { ca: 'c.pem', certificate: null, key: null, serverName: 'redis.example' }
  assert.deepEqual(two.store, {
    kind: 'redis',
    cluster: [{ host: 'n', port: 1 }],
    ...{ username: null, password: null, tls },
    ...others,
  })
  for (const config of [one, two])
    assert.deepEqual(configOf(JSON.stringify(writtenOf(config, false))).store, config.store)
})

test('values: DNS lists and checks arrive as they were written', () => {
  const { dnsbl, policy } = configOf(everything)
  const [zen, key, bare] = dnsbl.zones
  assert.deepEqual(zen?.answers?.[3], [{ from: 2, to: 11 }])
  assert.equal(zen?.weight, 3)
  assert.deepEqual([key?.zone, key?.name, key?.weight], ['key.dq.example', 'dq.example', -2])
  const last = [
    { from: 2, to: 2 },
    { from: 4, to: 6 },
  ]
  assert.deepEqual(key?.answers?.[3], last)
  assert.deepEqual(bare, { zone: 'bare.example', name: 'bare.example', weight: 1, answers: null })
  assert.deepEqual(dnsbl.resolvers, ['127.0.0.1', '127.0.0.1:5353', '[::1]:53'])
  assert.deepEqual(policy.checks, {
    pregreet: { action: 'drop', again: null, ttl: 172_800 },
    commands: { points: 3, options: { junk: 7 } },
    access: { enabled: false },
    pipelining: { again: 'drop' },
  })
})

test('values: a duration and a size that are written are read as the same', () => {
  fc.assert(
    fc.property(fc.nat({ max: 999_999_999 }), n => {
      assert.deepEqual(parseDuration(formatDuration(n)), { value: n })
      assert.deepEqual(parseSize(formatSize(n)), { value: n })
    }),
  )
  assert.deepEqual([0, 90_000, 1500, 86_400_000].map(formatDuration), ['0s', '90s', '1500ms', '1d'])
  assert.deepEqual([0, 512, 2048].map(formatSize), ['0', '512', '2k'])
  for (const wrong of ['', '6', 's', '6 s', '-6s', '6S', '1h30m', '1e3s', '6s\n', '١s']) {
    assert.ok('problem' in parseDuration(wrong), wrong)
  }
})

test('values: an endpoint that is written is read as the same', () => {
  const hosts = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('localhost', 'mail.example.com'))
  fc.assert(
    fc.property(hosts, fc.nat({ max: 65_535 }), (host, port) => {
      assert.deepEqual(parseEndpoint(formatEndpoint({ host, port }), 0), { value: { host, port } })
    }),
  )
  const wrong = [
    '',
    ':',
    '25',
    '[]:25',
    '[1.2.3.4]:25',
    '1.2.3:25',
    '1.2.3.4.5:25',
    '256.1.1.1:25',
    'a b:25',
    'h:25:25',
  ]
  for (const text of wrong) assert.ok('problem' in parseEndpoint(text, 0), text)
  assert.ok('problem' in parseEndpoint('127.0.0.1:0', 1))
})

test('values: a Redis URL has its scheme and a host', () => {
  const right = ['redis://h', 'rediss://u:p%40@h:1/2', 'redis://[::1]:6379']
  for (const text of right) assert.deepEqual(parseRedisUrl(text), { value: text })
  const wrong = ['h:6379', 'http://h', 'redis:h', 'redis://', 'redis://:p@', 'redis://h:99999']
  for (const text of wrong) assert.ok('problem' in parseRedisUrl(text), text)
})

test('values: half-lives are how fast what is known of mail fades', () => {
  const { fading } = configOf('reputation: { half_life: 1h, trust_half_life: 2h }').reputation
  const known = { score: 8, accepted: 8, content: 8, unknown: 8 }
  assert.deepEqual(faded(known, 7_200, fading), { score: 2, accepted: 4, content: 2, unknown: 2 })
  assert.equal(faded({ ...known, score: -8 }, 7_200, fading).score, -4)
})
