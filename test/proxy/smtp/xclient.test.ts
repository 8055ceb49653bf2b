import assert from 'node:assert/strict'
import { test } from 'node:test'
import { printable } from '@sallyport/proxy/smtp/octets.js'
import { xclientCommands, xtext } from '@sallyport/proxy/smtp/xclient.js'
import fc from 'fast-check'
import { runs } from '../../support/properties.ts'

test('xtext (RFC 3461 4)', () => {
  const rows = [
    ['mail.example', 'mail.example'],
    ['a+b=c', 'a+2Bb+3Dc'],
    ['a b\tc', 'a+20b+09c'],
    ['\r\n\0\x7f', '+0D+0A+00+7F'],
    ['\x80\xff', '+80+FF'],
    ['[IPv6:::1]', '[IPv6:::1]'],
    ['', ''],
  ] as const
  for (const [value, text] of rows) assert.equal(xtext(value), text)
})

test('one command where it fits, with the address last', () => {
  assert.deepEqual(
    xclientCommands([
      ['ADDR', '192.0.2.1'],
      ['NAME', 'host.example'],
      ['HELO', 'a b'],
    ]),
    ['XCLIENT NAME=host.example HELO=a+20b ADDR=192.0.2.1'],
  )
})

test('whatever the values are, the commands are short, clean and whole', () => {
  // Invariant: 510 octets at most, printable, every attribute once and in order, ADDR last of all, no escape cut in two.
  const value = fc
    .array(fc.constantFrom('a', 'host.example', '+', '=', ' ', '\r\n', '\xff', 'x'.repeat(100)), { maxLength: 12 })
    .map(parts => parts.join(''))
  fc.assert(
    fc.property(value, value, value, (name, helo, reverse) => {
      const attributes = [
        ['ADDR', 'IPV6:2001:db8::1'],
        ['NAME', name],
        ['HELO', helo],
        ['REVERSE_NAME', reverse],
      ] as const
      const commands = xclientCommands(attributes)
      for (const command of commands) {
        assert.match(command, /^XCLIENT(?: [A-Z_]+=(?:[!-*,-<>-~]|\+[0-9A-F]{2}){0,255})+$/)
        assert.ok(command.length <= 510)
      }
      const words = commands.flatMap(command => command.split(' ').slice(1))
      assert.deepEqual(
        words.map(word => word.split('=')[0]),
        ['NAME', 'HELO', 'REVERSE_NAME', 'ADDR'],
      )
      for (const word of words) {
        const [key, text = ''] = word.split('=', 2)
        const sent = text.replace(/\+(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
        const whole = attributes.find(([name]) => name === key)?.[1] ?? ''
        assert.ok(sent === whole || (whole.startsWith(sent) && text.length >= 253), `${key} ${text}`)
      }
    }),
    runs(2_000),
  )
})

test('hostile text is shown in printable ASCII, cut', () => {
  assert.equal(printable('a\r\n\t\\\0\x1b\x7f\xff b', 100), 'a\\r\\n\\t\\\\\\000\\033\\177\\377 b')
  assert.equal(printable('abcdef', 3), 'abc')
  assert.equal(printable('', 3), '')
})
