import assert from 'node:assert/strict'
import test from 'node:test'
import { parseConfig } from '@sallyport/proxy/config/parse.js'

const env = { WAIT: 'not-to-be-shown', FIVE: '5', NETWORK: '198.51.100.7/8' }

function problems(text: string): readonly string[] {
  const parsed = parseConfig(text, 's.yaml', env)
  return 'problems' in parsed ? parsed.problems : []
}

const all =
  'hostname, listen, tls, trusted_proxies, health_checks, backend, routes, recipient_domains, trap_recipients, greet, access, dnsbl, preset, delays, exceptions, checks, modules, score, ' +
  'offence_ttl, reputation, breaker, extensions, message, trap, decoy, load, limits, timeouts, store, decisions, admin, log, drain'
const network = 'use an address or network, such as 192.0.2.0/24 or 2001:db8::/32'
const endpoint = 'an address and port, such as 127.0.0.1:2525 or [::1]:25'
const zone = 'use a DNS list, or keys under it: zone, name, weight, answers, such as zen.spamhaus.org=127.0.0.[2..11]*3'
const resolver = 'use an IP address, with or without a port, such as 127.0.0.1 or 127.0.0.1:5353'

/** What is written, and every error that it gives, in order. */
const golden: readonly (readonly [name: string, text: string, errors: readonly string[]])[] = [
  [
    'durations',
    `greet:
  wait: 6
timeouts: { data: "90", recall: 1.5s, session: 30d }
offence_ttl: 1500ms
`,
    [
      's.yaml:2:9 greet.wait: found 6, which has no unit: write 6s',
      's.yaml:3:19 timeouts.data: found "90", which has no unit: write 90s',
      's.yaml:3:33 timeouts.recall: found "1.5s": use a duration from 1ms to 5s, such as 50ms',
      's.yaml:3:48 timeouts.session: found "30d" (more than 7d): use a duration from 1m to 7d, such as 4h',
      's.yaml:4:14 offence_ttl: found "1500ms" (not whole seconds): use a duration from 0s to 365d, such as 1d',
    ],
  ],
  [
    'unknown keys, with a guess where one is near',
    `lisen: []
zzz: 1
greet: { wiat: 6s }
checks:
  pregreat: {}
  bare_newline: {}
  commands: { jnuk: 3 }
__proto__: { a: 1 }
constructor: 1
backend: { i-know-the-backend-sees-the-gate: true }
`,
    [
      's.yaml:1:1 lisen: unknown key: did you mean listen?',
      `s.yaml:2:1 zzz: unknown key: use one of ${all}`,
      's.yaml:3:10 greet.wiat: unknown key: did you mean wait?',
      's.yaml:5:3 checks.pregreat: unknown key: did you mean pregreet?',
      's.yaml:6:3 checks.bare_newline: unknown key: did you mean bare-newline?',
      's.yaml:7:15 checks.commands.jnuk: unknown key: did you mean junk?',
      `s.yaml:8:1 __proto__: unknown key: use one of ${all}`,
      `s.yaml:9:1 constructor: unknown key: use one of ${all}`,
      's.yaml:10:12 backend.i-know-the-backend-sees-the-gate: unknown key: did you mean i_know_the_backend_sees_the_gate?',
    ],
  ],
  [
    'words for yes and no, choices, numbers, nothing',
    `checks:
  pregreet: { enabled: yes, action: defr, again: never, points: 1.5 }
  commands: { junk: 0 }
limits:
  connections: "5"
  command_line: 12
  per_client: many
  per_network: 0
message:
log: { level: }
hostname: 25
`,
    [
      's.yaml:2:24 checks.pregreet.enabled: found "yes": use true or false',
      's.yaml:2:37 checks.pregreet.action: found "defr": use one of observe, score, defer, refuse, decoy, trap, drop',
      's.yaml:2:50 checks.pregreet.again: found "never": use one of observe, score, defer, refuse, decoy, trap, drop, same',
      's.yaml:2:65 checks.pregreet.points: found 1.5: use a whole number from 0 to 1000',
      's.yaml:3:21 checks.commands.junk: found 0: use a whole number from 1 to 1000',
      's.yaml:5:16 limits.connections: found "5": use a whole number from 1 to 1000000',
      's.yaml:6:17 limits.command_line: found 12 (less than 512): use a size from 512 to 12k, such as 2k',
      's.yaml:7:15 limits.per_client: found "many": use a whole number from 1 to 1000000',
      's.yaml:8:16 limits.per_network: found 0: use a whole number from 1 to 1000000',
      's.yaml:9:9 message: found nothing: write keys under it: bare_newline, or take it out',
      's.yaml:10:15 log.level: found nothing: write one of debug, info, warn, error, or take it out',
      's.yaml:11:11 hostname: found 25: use a domain name, such as example.com',
    ],
  ],
  [
    'lists: their items by number, behind comments and values of several lines',
    `hostname: >-
  mx
  example
access:
  # one
  allow:
    - 192.0.2.1
    - 192.0.2.7/2

    - 2001:db8::/129
    - nobody
  deny: 192.0.2.1
listen:
  - 25
  -
  - "[::1]"
  - ::1
  - 127.0.0.1:70000
  - "127.0.0.1:x"
`,
    [
      's.yaml:1:11 hostname: found "mx example" (not a domain name): use a domain name, such as example.com',
      's.yaml:8:7 access.allow[1]: found "192.0.2.7/2" ' +
        `(192.0.2.7/2 has bits set below the prefix; the network is 192.0.0.0/2): ${network}`,
      `s.yaml:10:7 access.allow[2]: found "2001:db8::/129" (the prefix must be a number from 0 to 128): ${network}`,
      `s.yaml:11:7 access.allow[3]: found "nobody" (not an IP address or network): ${network}`,
      's.yaml:12:9 access.deny: found "192.0.2.1": use a list: ["192.0.2.1"]',
      `s.yaml:14:5 listen[0]: found 25: use ${endpoint}`,
      `s.yaml:15:4 listen[1]: found nothing: write ${endpoint}, or take it out`,
      `s.yaml:16:5 listen[2]: found "[::1]" (it has no port): use ${endpoint}`,
      `s.yaml:17:5 listen[3]: found "::1" (an IPv6 address needs brackets before its port: [::1]:25): use ${endpoint}`,
      `s.yaml:18:5 listen[4]: found "127.0.0.1:70000" (a port is a number from 0 to 65535): use ${endpoint}`,
      `s.yaml:19:5 listen[5]: found "127.0.0.1:x" (not an address and a port): use ${endpoint}`,
    ],
  ],
  [
    'DNS lists as text and as keys',
    `dnsbl:
  zones:
    - zen.spamhaus.org=127.0.0.[2..11]*3
    - zen.spamhaus.org*0
    - { zone: a.example, weight: 0, naem: x }
    - { weight: 2 }
    - { zone: a.example, answers: 127.0.0.1 }
    - 5
  resolvers: [ns.example.com, "127.0.0.1:0"]
  ttl: { min: 10m, max: 5m }
`,
    [
      's.yaml:4:7 dnsbl.zones[1]: found "zen.spamhaus.org*0" ' +
        `(the weight must be a whole number from -1000 to 1000 and not 0): ${zone}`,
      's.yaml:5:34 dnsbl.zones[2].weight: found 0 (without effect): use a whole number from -1000 to 1000',
      's.yaml:5:37 dnsbl.zones[2].naem: unknown key: did you mean name?',
      's.yaml:6:7 dnsbl.zones[3].zone: missing: write a domain name, such as zen.spamhaus.org',
      's.yaml:7:35 dnsbl.zones[4].answers: found "127.0.0.1" (no answer can match: lists answer 127.x.x.x, where ' +
        '127.0.0.1 and 127.255.255.x are errors): use a pattern of answers, such as 127.0.0.[2..11]',
      `s.yaml:8:7 dnsbl.zones[5]: found 5: ${zone}`,
      `s.yaml:9:15 dnsbl.resolvers[0]: found "ns.example.com" (not an IP address): ${resolver}`,
      `s.yaml:9:31 dnsbl.resolvers[1]: found "127.0.0.1:0" (a port is a number from 1 to 65535): ${resolver}`,
      's.yaml:10:8 dnsbl.ttl: found keys with min above max: set min to max, or below',
    ],
  ],
  [
    'rules across keys, together with errors in the same section',
    `listen: [":2525", "127.0.0.1:25", ":2525", { address: ":2525", tls: off }]
backend: { address: "127.0.0.1:2525", probe_every: 5 }
score: { defer: 5, refuse: 3 }
store: { url: "redis://u:secret@r", lease: 30s, clients: 1 }
`,
    [
      's.yaml:1:35 listen[2]: found ":2525" a second time: keep one of them',
      's.yaml:1:55 listen[3].address: found ":2525" a second time: keep one of them',
      's.yaml:2:21 backend.address: found "127.0.0.1:2525", where the gate itself listens: name the mail server behind it',
      's.yaml:2:52 backend.probe_every: found 5, which has no unit: write 5s',
      's.yaml:3:8 score: found keys with defer above refuse, so that nobody is ever deferred: ' +
        'set defer below refuse, or to 0',
      's.yaml:4:15 store.url: found a value, which kind: memory does not have: write kind: redis, or take it out',
      's.yaml:4:44 store.lease: found "30s", which kind: memory does not have: write kind: redis, or take it out',
      's.yaml:4:58 store.clients: found 1: use a whole number from 100 to 10000000',
    ],
  ],
  [
    'a store in several places, or in none that can be found',
    `store:
  kind: redis
  url: "redis://u:secret@r"
  cluster: ["10.0.0.1:6379", "10.0.0.2"]
  sentinels: []
  master_name: mail
  username: 5
  tls: { key: /k.pem, server_name: "*" }
`,
    [
      's.yaml:3:8 store.url: found a value with store.tls, which rediss:// has: write that, or take tls out',
      's.yaml:4:12 store.cluster: found a list, and store.url as well: keep one of them',
      's.yaml:4:30 store.cluster[1]: found "10.0.0.2" (it has no port): ' +
        'use an address or name, and port, such as 10.0.0.1:6379 or redis1:26379',
      's.yaml:5:14 store.sentinels: found a list with nothing in it: write one at least',
      's.yaml:5:14 store.sentinels: found a list, and store.url as well: keep one of them',
      's.yaml:7:13 store.username: found 5: use a text in quotes, of 1 to 1024 characters, such as sallyport',
      's.yaml:8:36 store.tls.server_name: found "*" (not a domain name): use a domain name, such as example.com',
    ],
  ],
  [
    'what belongs to Sentinels and TLS',
    `store: { kind: redis, master_name: mail, sentinel_password: "geheim", tls: { ca: /ca.pem } }
`,
    [
      's.yaml:1:36 store.master_name: found "mail", but no store.sentinels: name them, or take it out',
      's.yaml:1:61 store.sentinel_password: found a value, but no store.sentinels: name them, or take it out',
      's.yaml:1:76 store.tls: found keys, but no store.url that begins with rediss://: write one, or take tls out',
    ],
  ],
  [
    'Sentinels that are asked for nobody, and half of a pair of files',
    `store: { kind: redis, sentinels: ["s:26379"], tls: { certificate: /c.pem } }
`,
    [
      's.yaml:1:34 store.sentinels: found a list without store.master_name: write by what name they know the master',
      's.yaml:1:67 store.tls.certificate: found "/c.pem" without store.tls.key: name both files, or neither',
    ],
  ],
  [
    'backends',
    `backend: { address: "10.0.0.1:25", servers: ["10.0.0.2:25", "10.0.0.2:25", { address: "10.0.0.3:25", weight: 0 }] }
routes:
  - { domains: [a.example, "*.b.example"], backend: embedded }
  - { domains: [A.example], backend: { pick: weight } }
  - { domains: [], backend: { address: "10.0.0.2:25", identity: xclient } }
  - { domains: ["*.*.example"], backend: { servers: [] } }
  - { domains: [d.example], backend: { address: "127.0.0.1:2525", identity: none, maildir: x } }
`,
    [
      's.yaml:1:21 backend.address: found "10.0.0.1:25" beside servers: put it among them, or take one of the two out',
      's.yaml:1:61 backend.servers[1]: found "10.0.0.2:25" a second time: keep one of them, with the weight of both',
      's.yaml:1:110 backend.servers[2].weight: found 0: use a whole number from 1 to 100',
      's.yaml:3:53 routes[0].backend: found "embedded" (only backend by itself can be embedded): ' +
        'use an address and port alone, or keys under it, as under backend, such as 10.0.1.1:25',
      's.yaml:4:17 routes[1].domains[0]: found "A.example" a second time (routes[0].domains[0]): keep one of them',
      's.yaml:4:38 routes[1].backend: found keys with neither address nor servers: write one of them',
      's.yaml:5:16 routes[2].domains: found a list with nothing in it: write one at least',
      's.yaml:5:40 routes[2].backend.address: found "10.0.0.2:25", which backend names with another identity: ' +
        'write the same for both',
      's.yaml:6:17 routes[3].domains[0]: found "*.*.example" (not a domain name): ' +
        'use a domain name, or *. and one, such as example.com or *.example.net',
      's.yaml:6:53 routes[3].backend.servers: found a list with nothing in it: write one at least',
      's.yaml:7:49 routes[4].backend.address: found "127.0.0.1:2525", where the gate itself listens: ' +
        'name the mail server behind it',
      's.yaml:7:77 routes[4].backend.identity: found "none", so that the backend sees the address of the gate for every ' +
        'client, and is an open relay if it trusts that address (mynetworks): use proxy_v2, proxy_v1, xclient or xconnect, ' +
        'or set recipient_domains, or i_know_the_backend_sees_the_gate: true',
      's.yaml:7:83 routes[4].backend.maildir: unknown key: use one of address, servers, pick, connections, queue, identity, ' +
        'tls, tls_ca, tls_name, i_know_the_backend_sees_the_gate, probe_every',
    ],
  ],
  [
    'what came from the environment is never shown',
    `drain: { wait: "\${WAIT}", delay: "\${NOPE}" }
timeouts: { recall: "\${FIVE}" }
access: { allow: ["\${NETWORK}"], deny: "\${NETWORK}" }
hostname: a\${b
greet: { networks: [{ network: "\${NOPE}", wait: 1s }] }
`,
    [
      `s.yaml:1:16 drain.wait: found "\${WAIT}": use a duration from 0s to 1h, such as 1m`,
      `s.yaml:1:34 drain.delay: found "\${NOPE}"; the environment has no NOPE: set it, or write the value here`,
      `s.yaml:2:21 timeouts.recall: found "\${FIVE}": use a duration from 1ms to 5s, such as 50ms`,
      `s.yaml:3:19 access.allow[0]: found "\${NETWORK}": ${network}`,
      `s.yaml:3:40 access.deny: found "\${NETWORK}": use a list`,
      `s.yaml:4:11 hostname: found "a\${b"; write \${NAME} or \${file:/path}, or $\${ for a plain \${`,
      `s.yaml:5:32 greet.networks[0].network: found "\${NOPE}"; the environment has no NOPE: set it, or write the value here`,
    ],
  ],
  [
    'secrets in the file itself are not shown either',
    'store: { kind: redis, url: "http://u:secret@h", password: 12345 }\n',
    [
      's.yaml:1:28 store.url: found a value (not a URL that begins with redis:// or rediss://): ' +
        'use a Redis URL, such as redis://127.0.0.1:6379 or rediss://redis.example.com:6380/1',
      's.yaml:1:59 store.password: found a value: use a text in quotes, of 1 to 1024 characters',
    ],
  ],
  [
    'keys twice, keys that are none, aliases without an anchor',
    `log: { level: info }
log: { level: debug }
? [a]
: 1
listen: *here
`,
    [
      's.yaml:2:1 log: found a second time (first in line 1): keep one of them',
      's.yaml:3:3 yaml: found a key that is no plain word: write a name before the colon',
      's.yaml:5:9 listen: found an alias (*) without its anchor (&): write the value itself',
    ],
  ],
  [
    'the backend by its address alone',
    'backend: 127.0.0.1\n',
    [
      's.yaml:1:10 backend: found "127.0.0.1" (it has no port): ' +
        'use an address and port alone, embedded, or keys under it, such as 127.0.0.1:10025',
    ],
  ],
  ['no keys at all', '- a\n', [`s.yaml:1:1 yaml: found a list: use keys under it: ${all}`]],
  [
    'hostile text, escaped and cut',
    `log: { level: "a\\e[31m\\u202e\\L\\n" }
hostname: ${'a'.repeat(99)}
"a\\nb": 1
`,
    [
      's.yaml:1:15 log.level: found "a\\u001b[31m\\u202e\\u2028\\n": use one of debug, info, warn, error',
      `s.yaml:2:11 hostname: found "${'a'.repeat(57)}..." (not a domain name): use a domain name, such as example.com`,
      `s.yaml:3:1 "a\\nb": unknown key: use one of ${all}`,
    ],
  ],
]

for (const [name, text, errors] of golden) {
  test(`errors: ${name}`, () => {
    assert.deepEqual(problems(text), errors)
  })
}

const broken: readonly (readonly [text: string, first: RegExp])[] = [
  ['greet:\n\twait: 6s\n', /^s\.yaml:2:1 yaml: found a tab in the indentation: use spaces$/],
  ['hostname: "secret\n', /^s\.yaml:[12]:\d+ yaml: something is missing here: .*close what was opened/],
  ['listen: [::1]:25\n', /^s\.yaml:1:14 yaml: .*needs quotes$/],
  ['hostname: a: secret\n', /^s\.yaml:1:11 yaml: found two keys in one line/],
  ['log:\n  level: info\n secret: 1\n', /^s\.yaml:3:\d+ yaml: /],
  ['hostname: @secret\n', /^s\.yaml:1:11 yaml: found a character that text cannot begin with/],
  ['hostname: !secret x\n', /^s\.yaml:1:11 yaml: found a tag \(!\)/],
  ['hostname: a\n---\nhostname: secret\n', /^s\.yaml:2:1 yaml: found a second document/],
  ['hostname: "secret\\q"\n', /^s\.yaml:1:\d+ yaml: found a backslash escape/],
]

test('errors: YAML that is none is told with its place, in words that do not cite it', () => {
  for (const [text, first] of broken) {
    const lines = problems(text)
    assert.match(lines[0] ?? '', first, text)
    assert.ok(!lines.some(line => line.includes('secret')), text)
  }
})

test('errors: no more than a hundred, and how many there are besides', () => {
  const lines = problems(Array.from({ length: 250 }, (_, i) => `unknown${i}: 1\n`).join(''))
  assert.equal(lines.length, 101)
  assert.equal(lines[100], 's.yaml:101:1 yaml: and 150 more from here on')
})
