import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { DnsblLookup } from '@sallyport/proxy/lookups/dnsbl.js'
import { DnsblHealth, type Repeat } from '@sallyport/proxy/lookups/dnsbl-health.js'
import { Breakers, type DnsblFinding, type DnsblZone, parseZone } from '@sallyport/rules'
import { addressOf } from '../../support/address.ts'
import { type DnsReply, DnsServer } from '../../support/dns.ts'

function zoneOf(text: string, name?: string): DnsblZone {
  const zone = parseZone(text)
  assert.ok(!('problem' in zone))
  return { ...zone, name: name ?? zone.name }
}

const listed = (...data: string[]): DnsReply => ({ kind: 'records', ttl: 60, data })
const two = '2.0.0.127.bl.example'
const one = '1.0.0.127.bl.example'
const six = (last: string) => `${last}.0.0.0.0.0.f.7.f.f.f.f.${'0.'.repeat(20)}bl.example`

type Answers = Record<string, DnsReply>

async function played(
  zones: readonly DnsblZone[],
  answers: Answers,
  run: (health: DnsblHealth, told: string[], address: string, queries: string[]) => Promise<void>,
  repeat?: Repeat,
): Promise<void> {
  const queries: string[] = []
  const server = await DnsServer.start(({ name }) => {
    queries.push(name)
    return answers[name] ?? { kind: 'nxdomain' }
  })
  const told: string[] = []
  const options = { zones, resolvers: [server.address], wait: 300 }
  const health = new DnsblHealth(options, (list, fault) => told.push(`${list}: ${fault}`), repeat)
  try {
    await run(health, told, server.address, queries)
  } finally {
    health.stop()
    await server.stop()
  }
}

const minute = 60_000
const hour = 60 * minute

/** Time that passes at once: what is repeated is waited for each time. */
class Day {
  now = 0
  private act: (() => Promise<void>) | null = null
  private every = 0

  readonly repeat: Repeat = (act, every) => {
    this.act = act
    this.every = every
    return () => {
      this.act = null
    }
  }

  async passes(ms: number): Promise<void> {
    const end = this.now + ms
    for (;;) {
      const due = this.now - (this.now % this.every) + this.every
      if (due > end) break
      this.now = due
      await this.act?.()
    }
    this.now = end
  }
}

describe('a DNS list that is tested', () => {
  const ill = (fault: string) => [`bl.example: ${fault}`]
  const rows: readonly (readonly [what: string, answers: Answers, told: readonly string[]])[] = [
    ['lists what it must', { [two]: listed('127.0.0.2') }, []],
    ['lists it by other answers than those that count', { [two]: listed('127.0.0.9') }, []],
    ['is dead', {}, ill('127.0.0.2 is not listed, as it must be')],
    [
      'lists everybody',
      { [two]: listed('127.0.0.2'), [one]: listed('127.0.0.2') },
      ill('127.0.0.1 is listed, as it must not be'),
    ],
    ['refuses us', { [two]: listed('127.255.255.254') }, ill('it refuses this resolver (127.255.255.x)')],
    ['was sold', { [two]: listed('192.0.2.80') }, ill('its answer to 127.0.0.2 is none of a list')],
    ['does not answer', { [two]: { kind: 'servfail' }, [one]: { kind: 'servfail' } }, []],
    ['answers half', { [two]: listed('127.0.0.2'), [one]: { kind: 'servfail' } }, []],
    ['is one of IPv6 alone', { [six('2')]: listed('127.0.0.2') }, []],
    [
      'is one of IPv6 alone that lists everybody',
      { [six('2')]: listed('127.0.0.2'), [six('1')]: listed('127.0.0.2') },
      ill('127.0.0.2 is not listed, as it must be'),
    ],
  ]
  for (const [what, answers, expected] of rows) {
    it(what, () =>
      played([zoneOf('bl.example=127.0.0.2')], answers, async (health, told) => {
        await health.test()
        assert.deepEqual(told, expected)
        assert.equal(health.isHealthy('bl.example'), expected.length === 0)
        await health.test()
        assert.deepEqual(told, expected, 'told once')
      }),
    )
  }

  it('is well again, and stays what it was without an answer', () => {
    const answers: Answers = {}
    return played([zoneOf('bl.example', 'public'), zoneOf('bl.example=127.0.0.3')], answers, async (health, told) => {
      await health.test()
      assert.deepEqual(health.lists, [{ name: 'public', healthy: false }])
      answers[two] = { kind: 'servfail' }
      await health.test()
      assert.deepEqual(health.lists, [{ name: 'public', healthy: false }])
      answers[two] = listed('127.0.0.3')
      await health.test()
      assert.deepEqual(health.lists, [{ name: 'public', healthy: true }])
      assert.deepEqual(told, ['public: 127.0.0.2 is not listed, as it must be', 'public: '])
    })
  })

  it('is not asked about clients while it is not well: it has failed', () => {
    const zones = [zoneOf('bl.example'), zoneOf('good.example')]
    const answers: Answers = {
      '2.0.0.127.good.example': listed('127.0.0.2'),
      '7.2.0.192.bl.example': listed('127.0.0.2'),
      '7.2.0.192.good.example': listed('127.0.0.2'),
    }
    return played(zones, answers, async (health, _told, address, queries) => {
      const ttl = { min: 1, max: 100, fallback: 10 }
      const lookup = new DnsblLookup({ zones, resolvers: [address], wait: 300, ttl }, () => {}, health)
      const ask = () =>
        new Promise<DnsblFinding>(resolve => {
          let hasReturned = false
          lookup.ask(addressOf('192.0.2.7'), finding => {
            assert.ok(hasReturned)
            if (finding.couldRise === 0) resolve(finding)
          })
          hasReturned = true
        })
      assert.equal((await ask()).rank, 2)
      await health.test()
      queries.length = 0
      const { rank, failed, asked } = await ask()
      assert.deepEqual([rank, failed, asked], [1, 1, 2])
      assert.deepEqual(queries, ['7.2.0.192.good.example'])
      lookup.stop()
    })
  })

  it('is tested at the start and every hour: one gone wrong at noon is disarmed by one, and acts again when it has healed', async () => {
    const answers: Answers = { [two]: listed('127.0.0.2') }
    const day = new Day()
    const zones = [zoneOf('bl.example')]
    const play = async (health: DnsblHealth, told: string[], _address: string, queries: string[]) => {
      const limits = { window: 6 * hour, clients: 3, share: 10, leap: 5, sessions: 50, rest: 15 * minute }
      const armings: string[] = []
      const breakers = new Breakers(limits, ({ reason }) => armings.push(`${reason ?? 'armed'} at ${day.now / hour}`))
      const isDisarmed = async (ms: number) => {
        const before = told.length
        await day.passes(ms)
        if (told.length > before) breakers.source('dnsbl', health.suffices, day.now)
        return breakers.disarmedFor(null, day.now).has('dnsbl')
      }
      health.start()
      while (queries.length < 2) await turn()
      assert.deepEqual(queries.toSorted(), [one, two])
      assert.equal(await isDisarmed(12 * hour + minute), false)
      assert.deepEqual([queries.length, told], [2 + 2 * 12, []], 'once an hour, and no more')

      answers[one] = listed('127.0.0.2')
      assert.equal(await isDisarmed(58 * minute), false)
      assert.equal(await isDisarmed(minute), true)
      delete answers[one]
      assert.equal(await isDisarmed(59 * minute), true, 'nothing was tested since')
      assert.equal(await isDisarmed(minute), true, 'it is well, and rests')
      // For a quarter of an hour from when it was last looked at.
      assert.equal(await isDisarmed(13 * minute), true)
      assert.equal(await isDisarmed(minute), false)
      assert.deepEqual(told, ['bl.example: 127.0.0.1 is listed, as it must not be', 'bl.example: '])
      assert.deepEqual(armings, ['source at 13', `armed at ${14 + 14 / 60}`])
      health.stop()
      await day.passes(24 * hour)
      assert.equal(queries.length, 2 + 2 * 14, 'and not after its end')
    }
    await played(zones, answers, play, day.repeat)
  })
})
