import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { type Sighting, zooPresets } from './animal.ts'
import { bots } from './bots/index.ts'
import { observe } from './observe.ts'
import { startWorld } from './world.ts'

const world = await startWorld({ after })
world.names.domain('bank.example', ['192.0.2.0/24'])
world.names.domain('offers.example', ['198.18.0.0/15'])

/** All at the same time, as they come. */
const seen: ReadonlyMap<string, { readonly sighting: Sighting }> = new Map(
  await Promise.all(
    zooPresets.flatMap(preset =>
      bots.map(async (bot, i) => [`${bot.name}, ${preset}`, await observe({ after }, world, preset, bot, i)] as const),
    ),
  ),
)

const sightingOf = (name: string): Sighting => {
  const found = seen.get(name)?.sighting
  assert.ok(found !== undefined)
  return found
}

/** How much later than expected something may be on a busy machine, seconds. */
const tolerance = 6

for (const { name, demand, expected } of bots) {
  describe(name, () => {
    for (const preset of zooPresets) {
      const sighting = sightingOf(`${name}, ${preset}`)
      const { after: seconds, ...others } = expected[preset]
      test(`${preset}: as the document says`, () => {
        assert.deepEqual({ ...sighting, after: seconds }, { ...others, after: seconds })
        assert.ok(sighting.after >= seconds - 1 && sighting.after < seconds + tolerance, `after ${sighting.after} s`)
      })
      test(`${preset}: ${demand.words}`, () => assert.ok(demand.met(sighting), JSON.stringify(sighting)))
    }
  })
}
