import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isHelloName, isRecipientOf, parsePath } from '@sallyport/proxy/smtp/path.js'

/** The argument of MAIL, the path and the parameters in it; null: it is no argument of MAIL. */
const paths: readonly (readonly [argument: string, path: string | null, parameters?: string])[] = [
  ['FROM:<a@b.example>', 'a@b.example', ''],
  ['from:<a@b.example>', 'a@b.example', ''],
  ['FROM:<>', '', ''],
  ['FROM:<> BODY=8BITMIME', '', 'BODY=8BITMIME'],
  ['FROM: <a@b>', 'a@b', ''],
  ['FROM:\t<a@b>\tSIZE=1', 'a@b', 'SIZE=1'],
  ['FROM:<a@b>  SIZE=1 \t RET=HDRS', 'a@b', 'SIZE=1 \t RET=HDRS'],
  ['FROM:a@b', 'a@b', ''],
  ['FROM:a@b SIZE=1', 'a@b', 'SIZE=1'],
  ['FROM:a@b\tSIZE=1', 'a@b', 'SIZE=1'],
  ['FROM:<a@b', null],
  ['FROM:a@b>', 'a@b>', ''],
  ['FROM:', null],
  ['FROM: ', null],
  ['FROM', null],
  ['FROM <a@b>', null],
  ['FROM :<a@b>', null],
  ['TO:<a@b>', null],
  ['FROMM:<a@b>', null],
  ['', null],
  // Brackets and at signs in quoted strings are of the name.
  ['FROM:<"a>b"@x>', '"a>b"@x', ''],
  ['FROM:<"a\\">b"@x> SIZE=1', '"a\\">b"@x', 'SIZE=1'],
  ['FROM:<"a\\\\">', '"a\\\\"', ''],
  ['FROM:<"a b"@x>', '"a b"@x', ''],
  ['FROM:<"a>', null],
  ['FROM:<a\\>@x>', null],
  ['FROM:<<a@b>>', null],
  ['FROM:<@relay.example,@other.example:a@b>', '@relay.example,@other.example:a@b', ''],
  // Text behind the path without white space is nothing that anybody reads alike.
  ['FROM:<a@b>SIZE=1', null],
  ['FROM:<a@b>x@y', null],
  ['FROM:<a@b><c@d>', null],
  ['FROM:<a@b> <c@d>', 'a@b', '<c@d>'],
  ['FROM:Joe <a@b>', 'Joe', '<a@b>'],
  ['FROM:<\xe9@b>', '\xe9@b', ''],
]

for (const [argument, path, parameters] of paths) {
  test(`path of ${JSON.stringify(argument)}`, () => {
    assert.deepEqual(parsePath('FROM', argument), path === null ? null : { path, parameters })
    // RCPT reads the same form.
    const to = argument.replace(/^FROM/i, 'TO')
    if (to !== argument) assert.deepEqual(parsePath('TO', to), path === null ? null : { path, parameters })
  })
}

const ours = new Set(['example.test', 'sub.example.test'])
const recipients: readonly (readonly [argument: string, is: boolean])[] = [
  ['<user@example.test>', true],
  ['<user@EXAMPLE.Test>', true],
  ['<User+tag@sub.example.test>', true],
  ["<o'neil.x_y@example.test>", true],
  ['user@example.test', true],
  ['<\xe9@example.test>', true],
  ['<postmaster>', true],
  ['<Postmaster>', true],
  ['postmaster', true],
  ['<user@example.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;user+40example.test', true],
  ['<user@example.test>\tNOTIFY=NEVER  XYZ', true],
  // Addresses elsewhere, or such as some server reads as elsewhere.
  ['<user@elsewhere.example>', false],
  ['<user@evil.example.test>', false],
  ['<user@example.test.>', false],
  ['<user@example.test@elsewhere.example>', false],
  ['<user@elsewhere.example@example.test>', false],
  ['<user%elsewhere.example@example.test>', false],
  ['<elsewhere.example!user@example.test>', false],
  ['<@example.test:user@elsewhere.example>', false],
  ['<@elsewhere.example:user@example.test>', false],
  ['<@example.test>', false],
  ['<user@>', false],
  ['<>', false],
  ['<user>', false],
  ['<postmaster@elsewhere.example>', false],
  ['<"user@elsewhere.example"@example.test>', false],
  ['<"user"@example.test>', false],
  ['<user(comment)@example.test>', false],
  ['<us er@example.test>', false],
  ['<user\\@example.test>', false],
  ['<user@[192.0.2.1]>', false],
  ['<a@example.test,b@elsewhere.example>', false],
  ['<list:a@example.test;>', false],
  ['a@example.test,b@elsewhere.example', false],
  ['user@example.test>', false],
  // A phrase before the address, where a server takes one.
  ['postmaster <user@elsewhere.example>', false],
  ['user@example.test <user@elsewhere.example>', false],
  ['<user@example.test> <user@elsewhere.example>', false],
  ['<user@example.test> user@elsewhere.example', false],
  ['<user@example.test> "x"', false],
  ['<user@example.test> ,', false],
]

for (const [text, is] of recipients) {
  test(`RCPT TO:${JSON.stringify(text)} is ${is ? '' : 'not surely '}ours`, () => {
    const argument = parsePath('TO', `TO:${text}`)
    assert.notEqual(argument, null)
    assert.equal(argument !== null && isRecipientOf(ours, argument), is)
  })
}

test('parameters are looked through in time that grows with their length only', () => {
  const started = process.cpuUsage().user
  for (const word of ['a-', 'a=b', 'a ', 'a=', '-', ' '])
    isRecipientOf(ours, { path: 'user@example.test', parameters: `${word.repeat(65_536 / word.length)}<` })
  for (const text of ['FROM:<"', 'FROM:<\\', 'FROM:<']) parsePath('FROM', text + '"\\<'.repeat(20_000))
  for (const name of ['[IPv6:', '[a:', 'a.', 'a-']) isHelloName(name.repeat(20_000))
  assert.ok(process.cpuUsage().user - started < 500_000)
})

const helloNames: readonly (readonly [name: string, is: boolean])[] = [
  ['mail.example', true],
  ['mail.example.', true],
  ['localhost', true],
  ['3com.example', true],
  ['192.0.2.1', true],
  ['xn--bcher-kva.example', true],
  ['[192.0.2.1]', true],
  ['[IPv6:2001:db8::1]', true],
  ['[ipv6:::ffff:192.0.2.1]', true],
  ['[X400:any-thing]', true],
  ['a'.repeat(63), true],
  [Array(4).fill('a'.repeat(62)).join('.'), true],
  ['', false],
  ['.', false],
  ['a..b', false],
  ['.a', false],
  ['a.example..', false],
  ['-a.example', false],
  ['a-.example', false],
  ['under_score.example', false],
  ['WIN-PC user', false],
  ['localhost:25', false],
  ['b\xfccher.example', false],
  ['[192.0.2.1', false],
  ['192.0.2.1]', false],
  ['[192.0.2]', false],
  ['[]', false],
  ['[IPv6:nonsense]', false],
  ['[IPv6:]', false],
  ['a'.repeat(64), false],
  [Array(5).fill('a'.repeat(60)).join('.'), false],
]

for (const [name, is] of helloNames) {
  test(`${JSON.stringify(name)} is ${is ? 'a' : 'no'} name to say in HELO`, () => assert.equal(isHelloName(name), is))
}
