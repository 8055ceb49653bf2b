import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Census, capsNow, excessOf } from '@sallyport/proxy/census.js'
import { clientKey } from '@sallyport/rules'
import fc from 'fast-check'
import { addressOf } from '../support/address.ts'

const limits = { perClient: 50, perNetwork: 500 }
const load = { perClient: 10, perNetwork: 50 }

it('has too many of a client, or of a network, and under load both sooner', () => {
  for (const [client, network, atRest, underLoad] of [
    [10, 50, null, null],
    [11, 11, null, 'per_client'],
    [10, 51, null, 'per_network'],
    [50, 500, null, 'per_client'],
    [51, 500, 'per_client', 'per_client'],
    [51, 501, 'per_client', 'per_client'],
    [1, 501, 'per_network', 'per_network'],
  ] as const)
    assert.deepEqual(
      [null, load].map(under => excessOf({ client, network }, capsNow(limits, under))),
      [atRest, underLoad],
      `${client} of ${network}`,
    )
})

it('never takes the caps of load for more than those at rest, nor a network for less than a client', () => {
  const few = { perClient: 5, perNetwork: 3 }
  assert.equal(excessOf({ client: 5, network: 5 }, capsNow(few, load)), null)
  assert.equal(excessOf({ client: 1, network: 6 }, capsNow(few, load)), 'per_network')
})

const addresses = ['192.0.2.1', '192.0.2.2', '192.0.3.1', '2001:db8:1:2::1', '2001:db8:1:2::2', '2001:db8:1:3::1']
const inNetwork = [0, 0, 1, 2, 2, 2]
const asClient = [0, 1, 2, 3, 3, 4]

// Invariant: each connection is told how many are open of its client and of its network, itself included.
it('counts clients and their networks', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ who: fc.nat(5), comes: fc.boolean() }), { maxLength: 80 }), story => {
      const census = new Census()
      const open = [0, 0, 0, 0, 0, 0]
      const sum = (kinds: readonly number[], who: number) =>
        open.reduce((total, count, i) => (kinds[i] === kinds[who] ? total + count : total), 0)
      for (const { who, comes } of story) {
        const address = addressOf(addresses[who] ?? '')
        const count = open[who] ?? 0
        if (comes) {
          open[who] = count + 1
          assert.deepEqual(census.name(clientKey(address), address), {
            client: sum(asClient, who),
            network: sum(inNetwork, who),
          })
        } else if (count > 0) {
          open[who] = count - 1
          census.unname(clientKey(address), address)
        }
      }
    }),
  )
})
