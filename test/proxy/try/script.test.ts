import assert from 'node:assert/strict'
import { test } from 'node:test'
import { octetsOf } from '@sallyport/proxy/try/deed.js'
import { parseScript } from '@sallyport/proxy/try/script.js'

test('all that is wrong with a script is told at once, with its lines', () => {
  const text = [
    'client: 192.0.2.300',
    'tls: sometimes',
    'colour: red',
    '@10 C: EHLO a',
    '@5 C: MAIL FROM:<>',
    '@soon C: NOOP',
    '@20 D: NOOP',
    'C| NOOP',
    'end',
    'C| NOOP',
    'client: 192.0.2.1',
    'listed rank=many',
    'recalled passd=pregreet',
    'named',
    'B< RCPT no',
    'hello there',
    'C~ \\x00{9999999}',
    'spf perhaps',
  ].join('\n')
  assert.deepEqual(parseScript(text), {
    problems: [
      '1: client: no address: 192.0.2.300',
      '2: tls: write one of off, starttls, required, implicit, pass_through',
      '3: no such setting: colour; there are client, access, tls, keywords',
      '5: @5 lies before the row above, which is at @10',
      '6: @soon is no time in milliseconds',
      '7: no row of a client: @20 D: NOOP; write one of C: C~ C| end broken, with @ms before it or without',
      '10: C| has no row of octets before it',
      '11: the setting client stands behind the first row',
      '12: listed: rank and failed are whole numbers',
      '13: no such field: passd; there are passed, failed, score',
      '14: named: which name is missing',
      '15: B< RCPT no: write a verb and a reply, as B< RCPT 550 5.1.1 No such user',
      '16: neither a setting nor a row: hello there',
      '17: {9999999} is more than 1000000',
      '18: perhaps: write one of none, neutral, pass, fail, softfail, temperror, permerror',
    ],
  })
})

test('a script says what the client does, and what the world answers', () => {
  const parsed = parseScript(
    [
      '# a comment',
      'client: 2001:db8::1',
      'access: allow',
      'tls: required',
      'keywords: SIZE 1000, 8BITMIME',
      '',
      'recalled passed=pregreet,dnsbl failed=commands',
      'listed rank=3 list=bl.test failed=1',
      'named mismatch host.example',
      'hello-name none',
      'sender-domain null-mx',
      'spf softfail',
      'greylisted 60',
      'B< RCPT 450 4.2.0 Later',
      'B< rcpt 250 2.1.5 Ok',
      '@10 C~ a\\r\\n\\x41{3}\\\\',
      'C| b',
      'broken',
    ].join('\n'),
  )
  assert.ok('script' in parsed)
  const { client, access, tls, world, deeds } = parsed.script
  assert.deepEqual([client.text, access, tls], ['2001:db8::1', 'allow', 'required'])
  assert.deepEqual(world, {
    recalled: { passed: ['pregreet', 'dnsbl'], failed: ['commands'], client: null, network: null, hellos: null },
    rated: null,
    greylisted: 60,
    listed: { rank: 3, list: 'bl.test', failed: 1 },
    named: { kind: 'mismatch', name: 'host.example' },
    helloName: 'none',
    senderDomain: 'null-mx',
    spf: 'softfail',
    identities: new Map(),
    keywords: ['SIZE 1000', '8BITMIME'],
    replies: new Map([['RCPT', ['450 4.2.0 Later', '250 2.1.5 Ok']]]),
    gone: null,
  })
  assert.deepEqual(
    deeds.map(deed => [deed.line, deed.at, octetsOf(deed).toString('latin1')]),
    [
      [16, 10, 'a\r\nAAA\\'],
      [17, null, 'b\r\n'],
      [18, null, '\r\n'],
    ],
  )
})
