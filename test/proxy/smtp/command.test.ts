import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isClean, isNonSmtp, isUseful, mayBeGrouped, parseCommand, type Verb } from '@sallyport/proxy/smtp/command.js'

const rows: readonly (readonly [line: string, verb: Verb, argument: string])[] = [
  ['EHLO mail.example', 'EHLO', 'mail.example'],
  ['ehlo mail.example', 'EHLO', 'mail.example'],
  ['eHlO\tmail.example', 'EHLO', 'mail.example'],
  ['HELO  \t mail.example \t', 'HELO', 'mail.example'],
  ['EHLO', 'EHLO', ''],
  ['EHLO ', 'EHLO', ''],
  ['EHLOX a', 'unknown', 'a'],
  ['MAIL FROM:<a@b> SIZE=1', 'MAIL', 'FROM:<a@b> SIZE=1'],
  ['MAIL FROM: <a@b>', 'MAIL', 'FROM: <a@b>'],
  ['RCPT TO:<"a b"@c>', 'RCPT', 'TO:<"a b"@c>'],
  ['DATA', 'DATA', ''],
  ['DATA ', 'DATA', ''],
  ['DATA.', 'unknown', ''],
  ['BDAT 0 LAST', 'BDAT', '0 LAST'],
  ['RSET', 'RSET', ''],
  ['QUIT', 'QUIT', ''],
  ['NOOP x', 'NOOP', 'x'],
  ['VRFY x', 'VRFY', 'x'],
  ['EXPN x', 'EXPN', 'x'],
  ['HELP', 'HELP', ''],
  ['ETRN x', 'ETRN', 'x'],
  ['AUTH PLAIN AGEAYg==', 'AUTH', 'PLAIN AGEAYg=='],
  ['STARTTLS', 'STARTTLS', ''],
  ['xclient ADDR=1.2.3.4', 'forbidden', 'ADDR=1.2.3.4'],
  ['XFORWARD ADDR=1.2.3.4', 'forbidden', 'ADDR=1.2.3.4'],
  ['X-Connect 1.2.3.4', 'forbidden', '1.2.3.4'],
  ['PROXY UNKNOWN', 'forbidden', 'UNKNOWN'],
  [' EHLO a', 'unknown', 'EHLO a'],
  ['', 'unknown', ''],
  ['unknown', 'unknown', ''],
  ['__proto__', 'unknown', ''],
  ['MA\u0130L FROM:<a@b>', 'unknown', 'FROM:<a@b>'],
  ['MAIL\rFROM:<a@b>', 'unknown', ''],
]

for (const [line, verb, argument] of rows) {
  test(`command ${JSON.stringify(line)}`, () => assert.deepEqual(parseCommand(line), { verb, line, argument }))
}

test('which commands may stand in a group (RFC 2920 3.1), and which move mail', () => {
  const all = [...new Set(rows.map(([, verb]) => verb))]
  assert.deepEqual(all.filter(mayBeGrouped), ['MAIL', 'RCPT', 'BDAT', 'RSET'])
  assert.deepEqual(all.filter(isUseful), [
    'EHLO',
    'HELO',
    'MAIL',
    'RCPT',
    'DATA',
    'BDAT',
    'RSET',
    'QUIT',
    'AUTH',
    'STARTTLS',
  ])
})

test('a line goes on only if it is one line there too', () => {
  for (let code = 0; code < 256; code++) {
    const wanted = code === 0x09 || (code >= 0x20 && code !== 0x7f)
    assert.equal(isClean(`NOOP ${String.fromCharCode(code)} x`), wanted, String(code))
    assert.equal(isClean(String.fromCharCode(code)), wanted)
  }
})

const nonSmtp: readonly (readonly [line: string, is: boolean])[] = [
  ['GET / HTTP/1.1', true],
  [' GET / HTTP/1.1', true],
  [' NOOP', false],
  ['\tSubject: a', true],
  ['get / HTTP/1.1', true],
  ['POST', true],
  ['CONNECT 192.0.2.1:25 HTTP/1.0', true],
  ['OPTIONS * RTSP/1.0', true],
  ['Subject: hello', true],
  ['From:<a@b>', true],
  ['X-Mailer: x', true],
  ['http://example.test/', true],
  ['<html>', true],
  ['.', true],
  ['--boundary', true],
  ['{"a":1}', true],
  ['\x16\x03\x01\x02', true],
  ['\xc3\xa9', true],
  ['220 mx ESMTP', true],
  ['$@!', true],
  ['', false],
  [' ', false],
  ['\t', false],
  ['FOO', false],
  ['FOO bar: baz', false],
  ['GETTING x', false],
  ['XEXCH50 1 2', false],
  ['Hello world', false],
]

for (const [line, is] of nonSmtp) {
  test(`${JSON.stringify(line)} is ${is ? 'no' : 'perhaps'} SMTP`, () => assert.equal(isNonSmtp(line), is))
}
