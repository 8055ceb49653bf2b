import assert from 'node:assert/strict'
import test from 'node:test'
import { parseConfig } from '@sallyport/proxy/config/parse.js'

function read(text: string): { readonly problems: readonly string[]; readonly warnings: readonly string[] } {
  const parsed = parseConfig(text, 'r.yaml', {})
  return 'config' in parsed ? { problems: [], warnings: parsed.warnings } : { problems: parsed.problems, warnings: [] }
}

const relay =
  /^r\.yaml:1:\d+ backend\.identity: found "none", so that .* is an open relay if it trusts that address \(mynetworks\): use/

/** How many of the problems are that of the open relay. */
function relays(text: string): number {
  return read(text).problems.filter(line => relay.test(line)).length
}

test('rules: a gate never turns a mail server into an open relay without being told', () => {
  const none = 'backend: { address: "192.0.2.1:25", identity: none }\n'
  const said = (answer: string) => none.replace(' }', `, i_know_the_backend_sees_the_gate: ${answer} }`)
  assert.equal(relays(none), 1)
  assert.equal(relays(`${none}recipient_domains: []\n`), 1)
  assert.equal(relays(said('false')), 1)
  // Neither an address at fault nor a word that is no true makes it go away.
  assert.equal(relays(none.replace(':25"', '"')), 1)
  assert.equal(relays(said('yes')), 1)

  assert.deepEqual(read(said('true')).problems, [])
  assert.deepEqual(read(`${none}recipient_domains: [example.com]\n`).problems, [])
  assert.deepEqual(read('backend: { identity: none }\n').problems, [])
  for (const identity of ['proxy_v1', 'proxy_v2', 'xclient']) {
    assert.deepEqual(read(none.replace('none', identity)).problems, [])
  }
})

test('rules: behind TLS that is passed through no list of domains keeps a backend from relaying', () => {
  const text = (identity: string, mode = 'pass_through') =>
    `listen: [":25", { address: ":26", tls: ${mode} }]
backend: { address: "192.0.2.1:25", identity: ${identity} }
recipient_domains: [example.com]
tls: { certificates: [{ cert: c, key: k }] }
`
  const open =
    /^r\.yaml:1:40 listen\[1\]\.tls: found "pass_through", where recipient_domains is not asked, so that .* open relay/
  const { problems } = read(text('none'))
  assert.deepEqual(
    problems.map(line => open.test(line)),
    [true],
    problems.join('\n'),
  )
  assert.deepEqual(read(text('none', 'starttls')).problems, [])
  assert.deepEqual(read(text('none, i_know_the_backend_sees_the_gate: true')).problems, [])
  const doubted = read(text('proxy_v2'))
  assert.deepEqual(doubted.problems, [])
  assert.match(
    doubted.warnings.join('\n'),
    /listen\[1\]\.tls: found "pass_through", where neither recipient_domains nor/,
  )
  assert.doesNotMatch(read(text('proxy_v2', 'starttls')).warnings.join('\n'), /recipient_domains/)
})

test('rules: every server of every backend is looked at, in each form', () => {
  const text = (identity: string) => `backend: { servers: ["192.0.2.1:25"], identity: ${identity} }\n`
  assert.equal(relays(text('none')), 1)
  assert.deepEqual(read(text('proxy_v1')).problems, [])
  const routed = 'routes: [{ domains: [a.example], backend: { servers: [127.0.0.1:2525], identity: none } }]\n'
  assert.deepEqual(
    read(routed).problems.map(line => /(routes[^:]*): found [^,]*, (\w+ \w+)/.exec(line)?.slice(1)),
    [
      ['routes[0].backend.servers[0]', 'where the'],
      ['routes[0].backend.identity', 'so that'],
    ],
  )
  const weights = 'backend: { servers: [{ address: a:25, weight: 2 }, b:25] }\n'
  assert.match(
    read(weights).warnings.join(),
    /backend\.servers: found a list with weights, which pick: order does not look at/,
  )
  assert.deepEqual(read(weights.replace(' }\n', ', pick: weight }\n')).warnings, [])
})

test('rules: a backend that is the gate itself is refused', () => {
  const loops = (listen: string, backend: string) => {
    const { problems } = read(`listen: ["${listen}"]\nbackend: "${backend}"\n`)
    return problems.some(line => line.includes('where the gate itself listens'))
  }
  assert.ok(loops('127.0.0.1:25', '127.0.0.1:25'))
  assert.ok(loops(':25', '127.0.0.1:25'))
  assert.ok(loops('0.0.0.0:25', 'localhost:25'))
  assert.ok(!loops(':25', '127.0.0.1:10025'))
  assert.ok(!loops(':25', '192.0.2.1:25'))
  assert.ok(!loops('127.0.0.1:25', '127.0.0.2:25'))
})

test('rules: a fallback ttl lies within the bounds, and a file has no place beside Redis', () => {
  const ttl = /^r\.yaml:1:15 dnsbl\.ttl: found keys with a fallback below min or above max/
  assert.match(read('dnsbl: { ttl: { fallback: 2h } }').problems.join(), ttl)
  assert.match(read('dnsbl: { ttl: { min: 10m } }').problems.join(), ttl)
  assert.deepEqual(read('dnsbl: { ttl: { min: 10m, fallback: 10m } }').problems, [])
  const file = /^r\.yaml:1:29 store\.file: found "a", which kind: redis does not have/
  assert.match(read('store: { kind: redis, file: a }').problems.join(), file)
  assert.deepEqual(read('score: { refuse: 0 }').problems, [])
  assert.deepEqual(read('listen: ["127.0.0.1:0", "127.0.0.1:0"]').problems, [])
})

test('rules: a port with TLS of the gate needs a certificate', () => {
  const needs = /^r\.yaml:1:\d+ listen\[1\]\.tls: found "\w+", for which the gate needs a certificate/
  const certificates = '\ntls: { certificates: [{ cert: a.pem, key: a.key }] }'
  for (const mode of ['off', 'starttls', 'required', 'implicit', 'pass_through']) {
    const listen = `listen: [":25", { address: ":465", tls: ${mode} }]`
    const free = mode === 'off' || mode === 'pass_through'
    assert.deepEqual(
      read(listen).problems.map(line => needs.test(line)),
      free ? [] : [true],
      mode,
    )
    assert.deepEqual(read(listen + certificates).problems, [])
    const { warnings } = read(listen + certificates)
    const doubt = /listen\[1\]\.tls: found "pass_through", where clients see the certificate of the backend/
    assert.deepEqual(
      warnings.map(line => doubt.test(line)),
      mode === 'pass_through' ? [true] : [],
    )
  }
})

test('rules: a port is shared by a Node that can, and best with a common memory', () => {
  const listen = 'listen: [":25", { address: ":26", reuse_port: true }]'
  const [major = 0] = process.versions.node.split('.').map(Number)
  const cannot = /^r\.yaml:1:\d+ listen\[1\]\.reuse_port: found true, which Node \S+ cannot: use Node 22\.12 or later/
  const forgets =
    /listen\[1\]\.reuse_port: found true, where each process knows only the clients that it has met itself/
  const { problems, warnings } = read(listen)
  if (major < 22) return assert.match(problems.join(), cannot)
  assert.deepEqual(problems, [])
  assert.match(warnings.join(), forgets)
  assert.deepEqual(read(`${listen}\nstore: { kind: redis }`).warnings, [])
})

test('rules: what is legal and doubtful is a warning with its place', () => {
  assert.deepEqual(read('').warnings, [])
  const { warnings } = read(`trusted_proxies: [192.0.2.1, 10.0.0.0/8, 0.0.0.0/0, ::/0, 172.16.0.0/16]
admin: { listen: ":9525" }
dnsbl: { zones: [zen.example], resolvers: [127.0.0.1, 8.8.8.8, "[2606:4700:4700::1111]:53"] }
backend: { address: "192.0.2.1:25", identity: none }
recipient_domains: [example.com]
`)
  assert.deepEqual(
    warnings.map(line => line.slice(0, line.indexOf(', '))),
    [
      'r.yaml:1:30 trusted_proxies[1]: found "10.0.0.0/8"',
      'r.yaml:1:42 trusted_proxies[2]: found "0.0.0.0/0"',
      'r.yaml:1:53 trusted_proxies[3]: found "::/0"',
      'r.yaml:2:18 admin.listen: found ":9525"',
      'r.yaml:3:55 dnsbl.resolvers[1]: found "8.8.8.8"',
      'r.yaml:3:64 dnsbl.resolvers[2]: found "[2606:4700:4700::1111]:53"',
      'r.yaml:4:47 backend.identity: found "none"',
    ],
  )
  const idle = 'checks: { dnsbl: { action: refuse } }\n'
  assert.match(
    read(idle).warnings.join(),
    /^r\.yaml:1:28 checks\.dnsbl\.action: found "refuse", but dnsbl\.zones names no/,
  )
  assert.deepEqual(read(`${idle}dnsbl: { zones: [zen.example] }`).warnings, [])
})

test('rules: an exception that changes nothing, and a folder for what never comes, are warnings', () => {
  const { warnings } = read(`exceptions:
  - networks: [192.0.2.0/24]
  - { hello: [a.example], checks: { dnsbl: {} } }
  - { hello: [a.example], checks: { dnsbl: { points: 1 } } }
decoy: { folder: samples }
`)
  assert.deepEqual(
    warnings.map(line => line.slice(0, line.indexOf(', so that'))),
    [
      'r.yaml:2:5 exceptions[0]: found keys, but none of them in checks',
      'r.yaml:3:5 exceptions[1]: found keys, but none of them in checks',
      'r.yaml:5:18 decoy.folder: found "samples", and no check leads to the decoy',
    ],
  )
  const lured = 'decoy: { folder: samples }\nexceptions: [{ hello: [a], checks: { spf: { action: decoy } } }]'
  assert.deepEqual(read(lured).warnings, [])
})
