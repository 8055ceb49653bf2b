import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mostHearers } from '@sallyport/proxy/lookups/resolver.js'
import { ReverseNameLookup } from '@sallyport/proxy/lookups/reverse-name.js'
import { type Address, parseAddress, type ReverseName } from '@sallyport/rules'
import { type DnsReply, DnsServer, Held } from '../../support/dns.ts'
import { stopwatch } from '../../support/stopwatch.ts'

function at(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address !== null, text)
  return address
}

const records = (...data: string[]): DnsReply => ({ kind: 'records', ttl: 60, data })
const client = at('192.0.2.7')
const arpa = '7.2.0.192.in-addr.arpa'
/** One octet longer than a name can be (RFC 1035 2.3.4). */
const long = `${`${'a'.repeat(49)}.`.repeat(5)}abcd`
const mismatch: ReverseName = { kind: 'mismatch', name: 'mail.example.org' }
const confirmed = (name: string): ReverseName => ({ kind: 'confirmed', name })

type Answers = Record<string, DnsReply | Promise<DnsReply>>

async function played(
  answers: Answers,
  run: (lookup: ReverseNameLookup, queries: string[]) => Promise<void>,
  wait = 2000,
): Promise<void> {
  const queries: string[] = []
  const server = await DnsServer.start(({ name, type }) => {
    queries.push(`${type} ${name}`)
    return answers[`${type} ${name}`] ?? { kind: 'nxdomain' }
  })
  const lookup = new ReverseNameLookup({ resolvers: [server.address], wait })
  try {
    await run(lookup, queries)
  } finally {
    lookup.stop()
    await server.stop()
  }
}

const ask = (lookup: ReverseNameLookup, address: Address) =>
  new Promise<ReverseName>(resolve => lookup.ask(address, resolve))

describe('the reverse name of a client', () => {
  const cases: readonly [string, Answers, ReverseName][] = [
    [
      'is the name that both sides agree on',
      { [`PTR ${arpa}`]: records('mail.example.org'), 'A mail.example.org': records('198.51.100.1', '192.0.2.7') },
      confirmed('mail.example.org'),
    ],
    [
      'is the one of several that is confirmed',
      {
        [`PTR ${arpa}`]: records('forged.example.com', 'mail.example.org'),
        'A forged.example.com': records('198.51.100.1'),
        'A mail.example.org': records('192.0.2.7'),
      },
      confirmed('mail.example.org'),
    ],
    ['is none without a PTR', {}, { kind: 'none' }],
    ['is none when the PTR is empty', { [`PTR ${arpa}`]: { kind: 'nodata' } }, { kind: 'none' }],
    ['is a mismatch when the name has no address', { [`PTR ${arpa}`]: records('mail.example.org') }, mismatch],
    [
      'is a mismatch when the name has another address',
      { [`PTR ${arpa}`]: records('mail.example.org'), 'A mail.example.org': records('192.0.2.70') },
      mismatch,
    ],
    ['has failed when the PTR has', { [`PTR ${arpa}`]: { kind: 'servfail' } }, { kind: 'failed' }],
    [
      'has failed when one name cannot be confirmed for lack of an answer and no other is',
      {
        [`PTR ${arpa}`]: records('mail.example.org', 'other.example.org'),
        'A mail.example.org': { kind: 'refused' },
        'A other.example.org': records('198.51.100.1'),
      },
      { kind: 'failed' },
    ],
    [
      'is none when the name is no host name',
      {
        [`PTR ${arpa}`]: records('a b.example.org', 'x\r\ny.example.org', '192.0.2.7', long),
        [`A ${long}`]: records('192.0.2.7'),
        'A 192.0.2.7': records('192.0.2.7'),
      },
      { kind: 'none' },
    ],
  ]
  for (const [name, answers, expected] of cases) {
    it(name, () =>
      played(answers, async lookup => {
        assert.deepEqual(await ask(lookup, client), expected)
      }),
    )
  }

  it('is asked by nibbles and AAAA for IPv6', async () => {
    const name = '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'
    await played(
      { [`PTR ${name}`]: records('mail.example.org'), 'AAAA mail.example.org': records('2001:db8:0:0:0:0:0:7') },
      async (lookup, queries) => {
        assert.deepEqual(await ask(lookup, at('2001:db8::7')), confirmed('mail.example.org'))
        assert.deepEqual(queries, [`PTR ${name}`, 'AAAA mail.example.org'])
      },
    )
  })

  it('is looked for among three names and no more', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `host-${i}.example.org`)
    await played({ [`PTR ${arpa}`]: records(...names) }, async (lookup, queries) => {
      assert.deepEqual(await ask(lookup, client), { kind: 'mismatch', name: 'host-0.example.org' })
      assert.equal(queries.length, 4)
    })
  })

  it('is told before the slower names have answered', async () => {
    const never = new Held<DnsReply>()
    await played(
      {
        [`PTR ${arpa}`]: records('slow.example.org', 'mail.example.org'),
        'A slow.example.org': never.promise,
        'A mail.example.org': records('192.0.2.7'),
      },
      async lookup => assert.deepEqual(await ask(lookup, client), confirmed('mail.example.org')),
    )
  })

  it('is shared by a bounded number of sessions, and has failed for more', async () => {
    const slow = new Held<DnsReply>()
    await played({ [`PTR ${arpa}`]: slow.promise }, async (lookup, queries) => {
      const shared = Array.from({ length: mostHearers }, () => ask(lookup, client))
      assert.deepEqual(await ask(lookup, client), { kind: 'failed' })
      slow.release({ kind: 'nxdomain' })
      for (const name of await Promise.all(shared)) assert.deepEqual(name, { kind: 'none' })
      assert.equal(queries.length, 1)
    })
  })

  it('has failed after the wait, and is told once', async () => {
    const late = new Held<DnsReply>()
    const answers = { [`PTR ${arpa}`]: records('mail.example.org'), 'A mail.example.org': late.promise }
    await played(
      answers,
      async lookup => {
        const told: ReverseName[] = []
        const [started, took] = [performance.now(), stopwatch()]
        await new Promise<void>(resolve => {
          lookup.ask(client, name => {
            told.push(name)
            resolve()
          })
        })
        const waited = performance.now() - started
        assert.ok(waited >= 195, `${waited} ms`)
        assert.ok(took() < 500, `${took()} ms`)
        late.release(records('192.0.2.7'))
        assert.deepEqual(await ask(lookup, client), confirmed('mail.example.org'))
        assert.deepEqual(told, [{ kind: 'failed' }])
      },
      200,
    )
  })

  it('is asked for once for all who ask at the same time', async () => {
    const answers = { [`PTR ${arpa}`]: records('mail.example.org'), 'A mail.example.org': records('192.0.2.7') }
    await played(answers, async (lookup, queries) => {
      const told = await Promise.all([ask(lookup, client), ask(lookup, client), ask(lookup, client)])
      assert.deepEqual(
        told,
        Array.from({ length: 3 }, () => confirmed('mail.example.org')),
      )
      assert.equal(queries.length, 2)
      await ask(lookup, client)
      assert.equal(queries.length, 4)
    })
  })

  it('has failed at once for the one too many, and for everybody after a stop', async () => {
    const silent = new Held<DnsReply>()
    await played({ 'PTR 1.0.0.10.in-addr.arpa': silent.promise }, async lookup => {
      const waiting = Array.from({ length: 500 }, (_, i) => ask(lookup, at(`10.0.${i >>> 8}.${i & 255}`)))
      let told = 0
      for (const name of waiting) name.then(() => told++)
      assert.deepEqual(await ask(lookup, client), { kind: 'failed' })
      assert.equal(told, 0)
      lookup.stop()
      assert.deepEqual(new Set((await Promise.all(waiting)).map(({ kind }) => kind)), new Set(['failed']))
    })
  })
})
