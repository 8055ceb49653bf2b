import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CheckName,
  checks,
  type DnsblFinding,
  Facts,
  makePlan,
  type Outcome,
  type SpfFinding,
  type Standing,
} from '@sallyport/rules'

/** What the named check says of a session in which these facts differ from those of a client that only connected. */
function outcome(name: CheckName, known: Partial<Facts>, options: Record<string, number> = {}): Outcome {
  const planned = makePlan({ checks: { [name]: { options } } }).checks.find(one => one.name === name)
  assert.ok(planned)
  return planned.check.test(Object.assign(new Facts(), known), planned.options)
}

const finding = (known: Partial<DnsblFinding>): Partial<Facts> => ({
  dnsbl: { rank: 0, list: null, couldRise: 0, couldFall: 0, failed: 0, asked: 3, ttl: 300, ...known },
})

const standing = (known: Partial<Standing>): Partial<Facts> => ({
  standing: { score: 0, trust: 0, unknown: 0, accepted: 0, ...known },
})

const heard = (accepted: number, unknown: number): Partial<Facts> => ({
  backend: { mail: {}, rcpt: { accepted, 'unknown user': unknown }, dot: {} },
})

const grey = (wait: number | 'asked' | null): Partial<Facts> => ({
  recipient: { path: 'b@example.test', domain: 'example.test', grey: { tuple: 't', wait } },
})

const spf = (result: SpfFinding['result'], problem: string | null = null): Partial<Facts> => ({
  spf: { result, domain: 'example.org', identity: 'mailfrom', mechanism: '-all', problem, explanation: null },
})
const named = { reverse: { kind: 'confirmed', name: 'mail.example' } } as const
const home = { clientIsPrivate: true }

type Row = readonly [known: Partial<Facts>, expected: Outcome['kind'], options?: Record<string, number>]

const tables: { readonly [Name in CheckName]: readonly Row[] } = {
  access: [
    [{}, 'pass'],
    [{ access: 'allow' }, 'vouch'],
    [{ access: 'deny' }, 'fail'],
    [{ access: 'none', enveloped: true, greeted: true }, 'pass'],
  ],
  trusted: [
    [{}, 'todo'],
    [standing({ trust: 9.9 }), 'todo'],
    [standing({ trust: 10 }), 'vouch'],
    [standing({ trust: 3 }), 'vouch', { threshold: 3 }],
    [standing({ score: 20 }), 'todo'],
  ],
  reputation: [
    [{}, 'todo'],
    [standing({}), 'pass'],
    [standing({ score: 4.9 }), 'pass'],
    [standing({ score: 5 }), 'fail'],
    [standing({ score: 5 }), 'pass', { threshold: 6 }],
    [standing({ trust: 20 }), 'pass'],
  ],
  authenticated: [
    [{}, 'todo'],
    [{ enveloped: true, commands: 9 }, 'todo'],
    [{ authenticated: true }, 'vouch'],
  ],
  pregreet: [
    [{}, 'todo'],
    [{ greetWait: 6000 }, 'todo'],
    [{ greetWait: 6000, greeted: true }, 'pass'],
    [{ greetWait: 0, greeted: true }, 'unknown'],
    [{ pregreetBytes: 1 }, 'fail'],
    [{ pregreetBytes: 1, greetWait: 6000, greeted: true }, 'fail'],
    [{ enveloped: true }, 'todo'],
  ],
  dnsbl: [
    [{}, 'todo'],
    [finding({ couldRise: 1 }), 'todo'],
    [finding({ rank: 1 }), 'fail'],
    [finding({ rank: 2, couldFall: -1 }), 'fail'],
    [finding({ rank: 1, couldFall: -1 }), 'todo'],
    [finding({ rank: 3, couldFall: -1, couldRise: 9 }), 'todo', { threshold: 3 }],
    [finding({ rank: 2, couldRise: 1 }), 'todo', { threshold: 3 }],
    [finding({ rank: 2 }), 'pass', { threshold: 3 }],
    [finding({}), 'pass'],
    [finding({ failed: 1 }), 'unknown'],
    [finding({ failed: 1, rank: 1 }), 'fail'],
    [finding({ asked: 0 }), 'unknown'],
    // What is outstanding cannot reach the threshold.
    [finding({ rank: 1, couldRise: 1 }), 'pass', { threshold: 3 }],
    [finding({ rank: 0, couldFall: -5 }), 'pass'],
    [finding({ rank: -4 }), 'pass'],
    [finding({ rank: -4 }), 'vouch', { allow: -4 }],
    [finding({ rank: -5, couldRise: 1 }), 'vouch', { allow: -4 }],
    [finding({ rank: -4, couldRise: 1 }), 'todo', { allow: -4 }],
    [finding({ rank: 0, couldFall: -4 }), 'todo', { allow: -4 }],
    [finding({ rank: 0, couldFall: -3 }), 'pass', { allow: -4 }],
    [finding({ rank: -3 }), 'pass', { allow: -4 }],
  ],
  'no-reverse-name': [
    [{}, 'todo'],
    [{ enveloped: true }, 'todo'],
    [{ reverse: { kind: 'none' } }, 'fail'],
    [{ reverse: { kind: 'none' }, ...home }, 'unknown'],
    [home, 'unknown'],
    [{ reverse: { kind: 'failed' } }, 'unknown'],
    [{ reverse: { kind: 'mismatch', name: 'a.example' } }, 'pass'],
    [named, 'pass'],
  ],
  'reverse-mismatch': [
    [{}, 'todo'],
    [{ reverse: { kind: 'mismatch', name: 'a.example' } }, 'fail'],
    [{ reverse: { kind: 'mismatch', name: 'a.example' }, ...home }, 'unknown'],
    [{ reverse: { kind: 'none' } }, 'unknown'],
    [{ reverse: { kind: 'failed' } }, 'unknown'],
    [named, 'pass'],
  ],
  'generic-name': [
    [{}, 'todo'],
    [{ ...named, genericSign: 'dhcp' }, 'fail'],
    [{ ...named, genericSign: 'dhcp', ...home }, 'unknown'],
    [{ reverse: { kind: 'mismatch', name: 'a.example' }, genericSign: 'dhcp' }, 'fail'],
    [{ reverse: { kind: 'none' } }, 'unknown'],
    [{ reverse: { kind: 'failed' } }, 'unknown'],
    [named, 'pass'],
  ],
  'helo-required': [
    [{}, 'todo'],
    [{ enveloped: true }, 'pass'],
    [{ mailBeforeHello: true }, 'fail'],
    [{ mailBeforeHello: true, enveloped: true }, 'fail'],
  ],
  'helo-own': [
    [{}, 'todo'],
    [{ helloClaim: 'own' }, 'fail'],
    [{ helloClaim: 'address', enveloped: true }, 'pass'],
    [{ helloClaim: 'foreign', enveloped: true }, 'pass'],
  ],
  'helo-address': [
    [{}, 'todo'],
    [{ helloClaim: 'address' }, 'fail'],
    [{ helloClaim: 'own', enveloped: true }, 'pass'],
    [{ helloClaim: 'foreign', enveloped: true }, 'pass'],
  ],
  'helo-literal': [
    [{}, 'todo'],
    [{ helloClaim: 'foreign' }, 'fail'],
    [{ helloClaim: 'foreign', ...home }, 'unknown'],
    [{ helloClaim: 'literal', enveloped: true }, 'pass'],
    [{ helloClaim: 'address', enveloped: true }, 'pass'],
  ],
  'helo-unresolvable': [
    [{}, 'todo'],
    [{ hello: 'a.example' }, 'todo'],
    [{ hello: 'a.example', enveloped: true }, 'todo'],
    [{ hello: 'a.example', helloName: 'none' }, 'fail'],
    [{ hello: 'a.example', helloName: 'none', ...home }, 'unknown'],
    [{ hello: 'a.example', helloName: 'failed' }, 'unknown'],
    [{ hello: 'a.example', helloName: 'found' }, 'pass'],
    [{ hello: 'a_b', helloMalformed: true }, 'unknown'],
    [{ hello: '[192.0.2.1]', helloClaim: 'literal' }, 'unknown'],
    [{ hello: '192.0.2.1', helloClaim: 'address' }, 'unknown'],
  ],
  'helo-change': [
    [{}, 'todo'],
    [{ hello: 'a.example', enveloped: true }, 'pass'],
    [{ hello: 'b.example', helloChangedFrom: 'a.example' }, 'fail'],
    [{ hello: 'b.example', helloBefore: 'a.example', enveloped: true }, 'pass'],
    [{ hello: 'b.example', helloBefore: 'a.example' }, 'fail', { sessions: 1 }],
    [{ hello: 'A.example', helloBefore: 'a.example', enveloped: true }, 'pass', { sessions: 1 }],
    [{ hello: 'b.example', enveloped: true }, 'pass', { sessions: 1 }],
    [{ helloBefore: 'a.example' }, 'todo', { sessions: 1 }],
  ],
  'sender-domain': [
    [{}, 'todo'],
    [{ sender: 'u@example.org' }, 'todo'],
    [{ sender: 'u@example.org', enveloped: true }, 'todo'],
    [{ sender: '', senderDomain: 'unasked' }, 'pass'],
    [{ sender: 'root', senderDomain: 'unasked' }, 'unknown'],
    [{ sender: 'u@example.org', senderDomain: 'found' }, 'pass'],
    [{ sender: 'u@example.org', senderDomain: 'failed' }, 'unknown'],
    [{ sender: 'u@example.org', senderDomain: 'none' }, 'fail'],
    [{ sender: 'u@example.org', senderDomain: 'null-mx' }, 'fail'],
    [{ sender: 'u@example.org', senderDomain: 'private' }, 'fail'],
    [{ sender: 'u@example.org', senderDomain: 'none', ...home }, 'unknown'],
  ],
  spf: [
    [{}, 'todo'],
    [{ enveloped: true }, 'todo'],
    [spf('pass'), 'pass'],
    [spf('fail'), 'fail'],
    [{ ...spf('fail'), ...home }, 'unknown'],
    [spf('softfail'), 'unknown'],
    [spf('softfail'), 'fail', { softfail: 1 }],
    [spf('fail'), 'fail', { softfail: 1 }],
    [spf('neutral'), 'unknown', { softfail: 1 }],
    [spf('none'), 'unknown'],
    [spf('temperror'), 'unknown'],
    [spf('permerror'), 'unknown'],
  ],
  'null-sender-recipients': [
    [{}, 'todo'],
    [{ sender: '', recipientsAsked: 1, enveloped: true }, 'pass'],
    [{ sender: '', recipientsAsked: 2, enveloped: true }, 'fail'],
    [{ sender: 'u@example.org', recipientsAsked: 9, enveloped: true }, 'pass'],
    [{ sender: '', recipientsAsked: 2, enveloped: true }, 'pass', { recipients: 3 }],
  ],
  transactions: [
    [{}, 'todo'],
    [{ transactions: 100, enveloped: true }, 'pass'],
    [{ transactions: 101, enveloped: true }, 'fail'],
    [{ transactions: 2 }, 'fail', { most: 1 }],
  ],
  'helo-syntax': [
    [{}, 'todo'],
    [{ hello: 'mail.example' }, 'todo'],
    [{ hello: 'mail.example', enveloped: true }, 'pass'],
    [{ hello: 'WIN_PC', helloMalformed: true }, 'fail'],
    [{ hello: 'WIN_PC', helloMalformed: true, enveloped: true }, 'fail'],
  ],
  pipelining: [
    [{}, 'todo'],
    [{ greeted: true, hello: 'mail.example' }, 'todo'],
    [{ enveloped: true }, 'pass'],
    [{ aheadAfter: 'EHLO' }, 'fail'],
    [{ aheadAfter: 'DATA', enveloped: true }, 'fail'],
  ],
  'non-smtp-command': [
    [{}, 'todo'],
    [{ junkCommands: 3, commands: 3 }, 'todo'],
    [{ enveloped: true }, 'pass'],
    [{ nonSmtpCommand: 'GET / HTTP/1.1' }, 'fail'],
    [{ nonSmtpCommand: '', enveloped: true }, 'fail'],
  ],
  'bare-newline': [
    [{}, 'todo'],
    [{ enveloped: true }, 'pass'],
    [{ bareNewlines: 1 }, 'fail'],
    [{ bareNewlines: 1, bareNewlineAfter: 'DATA', enveloped: true }, 'fail'],
  ],
  smuggling: [
    [{ enveloped: true }, 'todo'],
    [{ smuggled: '\n.\r\n' }, 'fail'],
  ],
  'message-size': [
    [{ enveloped: true, messageSize: 1e9 }, 'todo'],
    [{ messageSize: 1e9, sizeLimit: 1e8 }, 'fail'],
    [{ sentSize: 110_000, declaredSize: 100_000 }, 'todo'],
    [{ sentSize: 110_001, declaredSize: 100_000 }, 'fail'],
  ],
  headers: [
    [{ enveloped: true }, 'todo'],
    [{ headerFaults: 'no Date' }, 'fail'],
  ],
  'trap-recipient': [
    [{}, 'todo'],
    [{ enveloped: true }, 'todo'],
    [{ trapRecipient: 'trap@example.test' }, 'fail'],
    [{ wasTrapped: true }, 'fail'],
  ],
  harvest: [
    [{}, 'todo'],
    [{ enveloped: true }, 'todo'],
    [{ ...heard(0, 4) }, 'todo'],
    [heard(0, 5), 'fail'],
    [{ ...heard(5, 5) }, 'todo'],
    [heard(4, 5), 'fail'],
    [heard(0, 2), 'fail', { unknown: 2 }],
    // What was before counts from the first of this session on, and so does what was taken.
    [{ ...standing({ unknown: 30 }) }, 'todo'],
    [{ ...standing({ unknown: 4.2 }), ...heard(0, 1) }, 'fail'],
    [{ ...standing({ unknown: 4.2, accepted: 20 }), ...heard(0, 1) }, 'todo'],
  ],
  recipients: [
    [{}, 'todo'],
    [{ recipientsAsked: 1000 }, 'todo'],
    [{ recipientsAsked: 1001 }, 'fail'],
    [{ recipientsAsked: 101 }, 'fail', { most: 100 }],
  ],
  rate: [
    [{}, 'todo'],
    [{ rate: { over: null } }, 'pass'],
    [{ rate: { over: '60 of address in 60 s' } }, 'fail'],
  ],
  greylist: [
    [{}, 'todo'],
    [grey('asked'), 'todo'],
    [grey(null), 'unknown'],
    [grey(0), 'pass'],
    [grey(1), 'fail'],
    [{ recipient: { path: 'b@example.test', domain: 'example.test', grey: null } }, 'todo'],
  ],
  commands: [
    [{}, 'todo'],
    [{ junkCommands: 19, commands: 30 }, 'todo'],
    [{ junkCommands: 19, commands: 30, enveloped: true }, 'pass'],
    [{ junkCommands: 20, commands: 30, enveloped: true }, 'fail'],
    [{ junkCommands: 2, commands: 2 }, 'fail', { junk: 2 }],
    [{ junkCommands: 1, commands: 100 }, 'todo', { junk: 2 }],
  ],
}

for (const { name } of checks) {
  test(`${name}: the outcome for each state of the facts`, () => {
    for (const [known, expected, options] of tables[name]) {
      assert.equal(outcome(name, known, options).kind, expected, JSON.stringify({ known, options }))
    }
  })
}

test('a failure says what was seen', () => {
  const table: readonly [CheckName, Partial<Facts>, string][] = [
    ['pregreet', { pregreetBytes: 6, pregreetAfter: 40 }, '6 octets after 40 ms'],
    ['dnsbl', finding({ rank: 4, list: 'bl.example' }), 'rank 4 using bl.example'],
    ['helo-syntax', { hello: 'a_b', helloMalformed: true }, 'HELO a_b'],
    ['no-reverse-name', { reverse: { kind: 'none' } }, 'no name'],
    ['reverse-mismatch', { reverse: { kind: 'mismatch', name: 'a.example' } }, 'a.example has another address'],
    ['generic-name', { ...named, genericSign: 'dhcp' }, 'dhcp in mail.example'],
    ['helo-own', { hello: 'mx.example', helloClaim: 'own' }, 'HELO mx.example'],
    ['helo-change', { hello: 'b.example', helloChangedFrom: 'a.example' }, 'b.example, before a.example'],
    ['sender-domain', { sender: 'u@a.example', senderDomain: 'null-mx' }, '<u@a.example>: takes no mail (null MX)'],
    ['sender-domain', { sender: 'u@a.example', senderDomain: 'private' }, '<u@a.example>: private addresses only'],
    ['spf', spf('fail'), 'fail of example.org by -all'],
    ['null-sender-recipients', { sender: '', recipientsAsked: 7 }, '7 recipients'],
    ['transactions', { transactions: 101 }, '101 transactions'],
    ['pipelining', { aheadAfter: 'EHLO' }, 'did not wait after EHLO'],
    ['non-smtp-command', { nonSmtpCommand: 'GET /' }, 'GET /'],
    ['bare-newline', { bareNewlines: 2 }, 'after CONNECT'],
    ['bare-newline', { bareNewlines: 2, bareNewlineAfter: 'DATA' }, 'after DATA'],
    ['commands', { junkCommands: 20, commands: 22 }, '20 junk commands of 22'],
  ]
  for (const [name, known, why] of table) assert.deepEqual(outcome(name, known), { kind: 'fail', why })
})

test('a pass of the DNS lists holds as long as their answers', () => {
  assert.deepEqual(outcome('dnsbl', finding({ ttl: 77 })), { kind: 'pass', ttl: 77 })
})

test('the reply of the DNS lists names the list in public words', () => {
  const words = makePlan({}).checks.find(one => one.name === 'dnsbl')?.check.words
  assert.ok(typeof words === 'function')
  const facts = Object.assign(new Facts(), { client: '192.0.2.1' }, finding({ rank: 1, list: 'bl.example' }))
  assert.equal(words(facts).text, 'Service unavailable; client [192.0.2.1] blocked using bl.example')
  const unnamed = Object.assign(new Facts(), { client: '192.0.2.1' })
  assert.equal(words(unnamed).text, 'Service unavailable; client [192.0.2.1] blocked using a DNS list')
})

test('every check is named once, tells what it is and who fails it by mistake, and has options within their bounds', () => {
  assert.equal(new Set(checks.map(check => check.name)).size, checks.length)
  for (const check of checks) {
    assert.match(check.name, /^[a-z]+(-[a-z]+)*$/)
    assert.ok(check.about.length > 20 && check.mistakes.length > 20, check.name)
    for (const option of Object.values(check.options))
      assert.ok(option.min <= option.value && option.value <= option.max, check.name)
    const words = typeof check.words === 'function' ? check.words(new Facts()) : check.words
    assert.match(`5.${words.enhanced}`, /^5\.\d{1,3}\.\d{1,3}$/, check.name)
    assert.match(words.text, /^[ -~]{1,400}$/, check.name)
  }
})

test('an error of SPF says which', () => {
  assert.deepEqual(outcome('spf', spf('permerror', 'exp= twice')), { kind: 'unknown', why: 'permerror: exp= twice' })
})

test('a sender whose domain takes no mail is told so (RFC 7505 4.2)', () => {
  const words = makePlan({}).checks.find(one => one.name === 'sender-domain')?.check.words
  assert.ok(typeof words === 'function')
  assert.equal(words(Object.assign(new Facts(), { senderDomain: 'null-mx' })).enhanced, '7.27')
  assert.equal(words(Object.assign(new Facts(), { senderDomain: 'none' })).enhanced, '1.8')
})
