import assert from 'node:assert/strict'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { after, describe, it } from 'node:test'
import { type DnsblAnswer, DnsblLookup, type DnsblOptions } from '@sallyport/proxy/lookups/dnsbl.js'
import { mostHearers } from '@sallyport/proxy/lookups/resolver.js'
import { type Address, type DnsblFinding, type DnsblZone, parseAddress, parseZone } from '@sallyport/rules'
import { type DnsQuery, type DnsReply, DnsServer, Held } from '../../support/dns.ts'
import { startRbldnsd } from '../../support/rbldnsd.ts'
import { stopwatch } from '../../support/stopwatch.ts'

const ttl = { min: 60, max: 3600, fallback: 300 }

function at(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address !== null, text)
  return address
}

function zones(...texts: string[]): DnsblZone[] {
  return texts.map(text => {
    const zone = parseZone(text)
    assert.ok(!('problem' in zone), text)
    return zone
  })
}

/** All findings until nothing is outstanding. */
function findings(lookup: DnsblLookup, client: Address): Promise<DnsblFinding[]> {
  return new Promise(resolve => {
    const all: DnsblFinding[] = []
    lookup.ask(client, finding => {
      all.push(finding)
      if (finding.couldRise === 0 && finding.couldFall === 0) resolve(all)
    })
  })
}

async function last(lookup: DnsblLookup, client: Address): Promise<DnsblFinding> {
  const finding = (await findings(lookup, client)).at(-1)
  assert.ok(finding !== undefined)
  return finding
}

const listed = (...data: string[]): DnsReply => ({ kind: 'records', ttl: 900, data })
const client = at('192.0.2.7')

describe('a look-up in DNS lists', () => {
  /** Plays the DNS: by the domain below the client's octets. */
  async function played(
    answers: Record<string, DnsReply | Promise<DnsReply>>,
    options: Partial<DnsblOptions> & { zones: DnsblZone[] },
    run: (lookup: DnsblLookup, queries: readonly DnsQuery[], observed: [string, DnsblAnswer][]) => Promise<void>,
  ): Promise<void> {
    const server = await DnsServer.start(({ name }) => {
      const found = Object.entries(answers).find(([domain]) => name.endsWith(`.${domain}`))
      return found?.[1] ?? { kind: 'nxdomain' }
    })
    const observed: [string, DnsblAnswer][] = []
    const lookup = new DnsblLookup(
      { resolvers: [server.address], wait: 2000, ttl, ...options },
      (domain, answer, ms) => {
        observed.push([domain, answer])
        assert.ok(ms >= 0 && ms < 10_000, `${ms}`)
      },
    )
    try {
      await run(lookup, server.queries, observed)
    } finally {
      lookup.stop()
      await server.stop()
    }
  }

  it('asks each domain once for the reversed address, and adds up what the zones read', async () => {
    const list = zones('bl.example=127.0.0.2*3', 'bl.example=127.0.0.[3..9]*5', 'wl.example*-2', 'other.example')
    await played(
      { 'bl.example': listed('127.0.0.2', '127.0.0.4'), 'wl.example': listed('127.0.0.5') },
      { zones: list },
      async (lookup, queries, observed) => {
        const finding = await last(lookup, client)
        assert.deepEqual(finding, {
          rank: 6,
          list: 'bl.example',
          couldRise: 0,
          couldFall: 0,
          failed: 0,
          asked: 3,
          ttl: 900,
        })
        assert.deepEqual(queries.map(({ name, type }) => `${type} ${name}`).sort(), [
          'A 7.2.0.192.bl.example',
          'A 7.2.0.192.other.example',
          'A 7.2.0.192.wl.example',
        ])
        assert.deepEqual(observed.sort(), [
          ['bl.example', 'listed'],
          ['other.example', 'not_listed'],
          ['wl.example', 'listed'],
        ])
      },
    )
  })

  it('asks for IPv6 clients by nibbles', async () => {
    await played({ 'bl.example': listed('127.0.0.2') }, { zones: zones('bl.example') }, async (lookup, queries) => {
      assert.equal((await last(lookup, at('2001:db8::7'))).rank, 1)
      const name = '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example'
      assert.deepEqual(queries, [{ name, type: 'A' }])
    })
  })

  it('tells what is known after each answer, and what the rest could still change', async () => {
    const slow = new Held<DnsReply>()
    await played(
      { 'quick.example': listed('127.0.0.2'), 'slow.example': slow.promise },
      { zones: zones('quick.example*2', 'slow.example*3') },
      async lookup => {
        const all: DnsblFinding[] = []
        await new Promise<void>(resolve => {
          lookup.ask(client, finding => {
            all.push(finding)
            if (all.length === 1) slow.release(listed('127.0.0.2'))
            else resolve()
          })
          assert.equal(all.length, 0)
        })
        assert.deepEqual(
          all.map(({ rank, couldRise }) => [rank, couldRise]),
          [
            [2, 3],
            [5, 0],
          ],
        )
      },
    )
  })

  it('tells an error from an absence', async () => {
    const names = ['nxdomain', 'nodata', 'servfail', 'refused'] as const
    await played(
      {
        ...Object.fromEntries(names.map(kind => [`${kind}.example`, { kind }])),
        'blocked.example': listed('127.255.255.254'),
        'dead.example': listed('127.0.0.1'),
        'sold.example': listed('203.0.113.80'),
      },
      { zones: zones(...names.map(kind => `${kind}.example`), 'blocked.example', 'dead.example', 'sold.example') },
      async (lookup, _, observed) => {
        const finding = await last(lookup, client)
        assert.deepEqual([finding.rank, finding.list, finding.failed, finding.asked], [0, null, 5, 7])
        assert.deepEqual(Object.fromEntries(observed), {
          'nxdomain.example': 'not_listed',
          'nodata.example': 'not_listed',
          'servfail.example': 'failed',
          'refused.example': 'failed',
          'blocked.example': 'error',
          'dead.example': 'error',
          'sold.example': 'error',
        })
      },
    )
  })

  it('is shared by a bounded number of sessions, and has failed for more', async () => {
    const slow = new Held<DnsReply>()
    await played({ 'bl.example': slow.promise }, { zones: zones('bl.example') }, async (lookup, queries) => {
      const shared = Array.from({ length: mostHearers }, () => last(lookup, client))
      assert.equal((await last(lookup, client)).failed, 1)
      slow.release(listed('127.0.0.2'))
      for (const { rank, failed } of await Promise.all(shared)) assert.deepEqual([rank, failed], [1, 0])
      assert.equal(queries.length, 1)
    })
  })

  it('waits no longer than it may, and ignores what comes later', async () => {
    const late = new Held<DnsReply>()
    await played(
      { 'quick.example': listed('127.0.0.2'), 'silent.example': { kind: 'silence' }, 'late.example': late.promise },
      { zones: zones('quick.example', 'silent.example*2', 'late.example*4'), wait: 300 },
      async (lookup, queries, observed) => {
        const [started, took] = [performance.now(), stopwatch()]
        const all = await findings(lookup, client)
        const waited = performance.now() - started
        late.release(listed('127.0.0.2'))
        assert.ok(waited >= 295, `${waited} ms`)
        assert.ok(took() < 600, `${took()} ms`)
        assert.deepEqual(
          all.map(({ rank, failed, couldRise }) => [rank, failed, couldRise]),
          [
            [1, 0, 6],
            [1, 2, 0],
          ],
        )
        // Another client's look-up has time for the late answer to arrive.
        assert.equal((await findings(lookup, at('192.0.2.8'))).length, 3)
        assert.equal(all.length, 2)
        assert.equal(queries.filter(({ name }) => name === '7.2.0.192.silent.example').length, 1)
        assert.equal(observed.filter(([domain]) => domain === 'late.example').length, 2)
      },
    )
  })

  it('shares one look-up among all who ask about the same client at the same time', async () => {
    const slow = new Held<DnsReply>()
    const list = zones('quick.example', 'slow.example*2')
    await played(
      { 'quick.example': listed('127.0.0.2'), 'slow.example': slow.promise },
      { zones: list },
      async (lookup, queries) => {
        const first = findings(lookup, client)
        const second = findings(lookup, client)
        const other = findings(lookup, at('192.0.2.8'))
        await new Promise<void>(resolve => {
          const ranks: number[] = []
          // Joins after the quick list has answered, and is told at once what is known.
          const join = () =>
            lookup.ask(client, ({ rank }) => {
              ranks.push(rank)
              if (ranks.length === 1) slow.release(listed('127.0.0.2'))
              else assert.deepEqual(ranks, [1, 3])
              if (ranks.length === 2) resolve()
            })
          let isFirst = true
          lookup.ask(client, () => {
            if (isFirst) join()
            isFirst = false
          })
        })
        assert.deepEqual(
          (await first).map(({ rank }) => rank),
          [1, 3],
        )
        assert.deepEqual(await second, await first)
        await other
        assert.deepEqual(queries.filter(({ name }) => name.startsWith('7.')).length, 2)
        assert.equal(queries.length, 4)
        await last(lookup, client)
        assert.equal(queries.length, 6)
      },
    )
  })

  it('opens no more questions than it may; the rest have failed at once', async () => {
    await played(
      { 'bl.example': { kind: 'silence' } },
      { zones: zones('bl.example', 'other.bl.example') },
      async lookup => {
        const ranks: DnsblFinding[] = []
        for (let i = 0; i < 1000; i++) lookup.ask(at(`10.0.${i >>> 8}.${i & 255}`), finding => ranks.push(finding))
        let told = false
        lookup.ask(client, () => {
          told = true
        })
        assert.equal(told, false)
        const refused = await last(lookup, client)
        assert.equal(told, true)
        assert.deepEqual([refused.failed, refused.asked], [2, 2])
        assert.equal(ranks.length, 0)
      },
    )
  })

  it('tells everybody that it failed when it is stopped, and when nobody is there to answer', async () => {
    await played({ 'bl.example': { kind: 'silence' } }, { zones: zones('bl.example') }, async lookup => {
      const waiting = last(lookup, client)
      lookup.stop()
      assert.equal((await waiting).failed, 1)
    })
    const gone = dgram.createSocket('udp4').bind(0, '127.0.0.1')
    await once(gone, 'listening')
    const resolvers = [`127.0.0.1:${gone.address().port}`]
    gone.close()
    const lookup = new DnsblLookup({ zones: zones('bl.example'), resolvers, wait: 500, ttl }, () => {})
    assert.equal((await last(lookup, client)).failed, 1)
  })

  it('has an answer without any list', async () => {
    const lookup = new DnsblLookup({ zones: [], resolvers: ['127.0.0.1:1'], wait: 500, ttl }, () => {})
    assert.deepEqual(await findings(lookup, client), [
      { rank: 0, list: null, couldRise: 0, couldFall: 0, failed: 0, asked: 0, ttl: 300 },
    ])
  })

  it('gives a second server its share of the wait', async () => {
    const silent = await DnsServer.start(() => ({ kind: 'silence' }))
    const sound = await DnsServer.start(() => listed('127.0.0.2'))
    const resolvers = [silent.address, sound.address]
    const lookup = new DnsblLookup({ zones: zones('bl.example'), resolvers, wait: 3000, ttl }, () => {})
    assert.equal((await last(lookup, client)).rank, 1)
    await silent.stop()
    await sound.stop()
  })
})

const four = '192.0.2.0/28 :127.0.0.3:listed'
const six = '2001:db8:bad::/48 :127.0.0.4:listed'
const rbldnsd = await startRbldnsd({ after }, { 'bl.example': [four, six], 'white.example': [four] }, 1200)

describe('a look-up in rbldnsd', () => {
  it('finds IPv4 and IPv6 clients, and those that are not listed', async () => {
    const list = zones('bl.example=127.0.0.3*2', 'bl.example=127.0.0.4*4', 'white.example*-1')
    const lookup = new DnsblLookup({ zones: list, resolvers: [rbldnsd.server], wait: 2000, ttl }, () => {})
    const found = async (text: string) => {
      const { rank, failed, ttl } = await last(lookup, at(text))
      return { rank, failed, ttl }
    }
    assert.deepEqual(await found('192.0.2.7'), { rank: 1, failed: 0, ttl: 1200 })
    assert.deepEqual(await found('192.0.2.16'), { rank: 0, failed: 0, ttl: 300 })
    assert.deepEqual(await found('2001:db8:bad::7'), { rank: 4, failed: 0, ttl: 1200 })
    assert.deepEqual(await found('2001:db8:bae::7'), { rank: 0, failed: 0, ttl: 300 })
  })
})
