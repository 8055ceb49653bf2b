import assert from 'node:assert/strict'
import type { Arrival } from '@sallyport/proxy/session/arrival.js'

/** What the gate may know of a client that a backend has not heard yet. */
export interface Known {
  readonly arrival: Arrival
  /** What the DNS has answered; null: nothing so far. */
  readonly name: string | null
  /** The client's latest HELO or EHLO. */
  readonly hello: string | null
}

/** RFC 3461 4: `+` and two hexadecimal digits in capitals are an octet, and all else stands for itself. */
function decoded(value: string): string {
  assert.match(value, /^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/, 'no xtext')
  return value.replace(/\+(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
}

/** What a server that knows XCLIENT reads from these lines; each attribute may come once. */
function attributesOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const line of lines) {
    assert.ok(line.length <= 510, 'XCLIENT that Postfix does not take')
    const [verb, ...words] = line.split(' ')
    assert.equal(verb, 'XCLIENT')
    assert.ok(words.length > 0, 'XCLIENT that says nothing')
    assert.ok(!line.includes(' ADDR=') || words.at(-1)?.startsWith('ADDR='), 'something behind ADDR')
    for (const word of words) {
      const [, name, value] = /^([A-Z_]+)=(.{0,255})$/.exec(word) ?? []
      assert.ok(name !== undefined && value !== undefined, `no attribute: ${word}`)
      assert.ok(!found.has(name), `${name} a second time`)
      found.set(name, decoded(value))
    }
  }
  return found
}

/** Fails unless the XCLIENT commands say who the client is and what it has said of itself, and nothing else. */
export function checkIdentity(lines: readonly string[], { arrival, name, hello }: Known): void {
  const [, verb = '', argument = ''] = /^(\S+)[ \t]*(.*?)[ \t]*$/.exec(hello ?? '') ?? []
  const expected = new Map([
    ['NAME', name ?? '[TEMPUNAVAIL]'],
    ['REVERSE_NAME', name ?? '[TEMPUNAVAIL]'],
    ['PORT', String(arrival.clientPort)],
    ...(hello === null
      ? []
      : [['PROTO', /^EHLO$/i.test(verb) ? 'ESMTP' : 'SMTP'] as const, ['HELO', argument] as const]),
    ['ADDR', arrival.client.includes(':') ? `IPV6:${arrival.client}` : arrival.client],
  ])
  const said = attributesOf(lines)
  for (const [attribute, value] of said) {
    const whole = expected.get(attribute)
    // Too long a value is cut; that of an address or a port never is.
    const fits = whole === value || (value.length > 80 && whole?.startsWith(value) === true)
    assert.ok(fits, `${attribute} is said to be ${JSON.stringify(value)}`)
  }
  const isWhole = lines.at(-1)?.includes(' ADDR=') === true
  if (isWhole) assert.deepEqual([...said.keys()].sort(), [...expected.keys()].sort(), 'something is not said')
}
