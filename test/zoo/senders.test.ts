import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningGate, SessionLine } from '../support/gate.ts'
import { type ZooPreset, zooPresets } from './animal.ts'
import { senders } from './senders/index.ts'
import { buildRoad, type Delivery, domainOf, type Mailer, type Road, type Sender } from './senders/sender.ts'
import { startWorld } from './world.ts'

/** Seconds until the greylisted may come again: what the presets have for it, minutes, is too long for a test. */
const greylistDelay = 2

const world = await startWorld({ after }, `checks: { greylist: { delay: ${greylistDelay} } }`)

/** Sends a message, and again as often as it is deferred. */
async function deliver(
  mailer: Mailer,
  road: Road,
  gate: RunningGate,
  client: string,
  count: number,
): Promise<Delivery> {
  const subject = `message ${count}`
  const lines = (): SessionLine[] => gate.log().filter(line => line.client === client)
  const before = lines().length
  await mailer.send(road, subject)
  for (let seen = before, tries = 0; tries < 400; tries++) {
    const since = lines().slice(before)
    const taken = since.findIndex(({ messages }) => messages?.['accepted'] === 1)
    if (taken >= 0) {
      const replies = since.slice(0, taken + 1).map(({ reply = '' }) => reply)
      return {
        deferrals: replies.filter(reply => reply.startsWith('4')).length,
        refusals: replies.filter(reply => reply.startsWith('5')).length,
        seconds: (since[taken]?.ms.relay ?? 0) / 1_000,
      }
    }
    if (since.length > seen - before) {
      seen = before + since.length
      await sleep(greylistDelay * 1_000 + 500)
      await mailer.again(road, subject)
    }
    await sleep(100)
  }
  throw new Error(`${client} could not send: ${JSON.stringify(lines())}`)
}

/** On a busy machine all takes longer. */
const isAbout = (seconds: number, expected: number): boolean => seconds > expected - 1.5 && seconds < expected + 6

/** Both messages of a sender at every gate. What goes wrong is thrown by the test that asks for it, when all are over. */
async function play(sender: Sender, position: number): Promise<ReadonlyMap<ZooPreset, Promise<readonly Delivery[]>>> {
  const name = sender.name.toLowerCase()
  const network = `198.19.${position}`
  world.names.domain(domainOf(name), [`${network}.0/24`])
  const roads = await Promise.all(
    zooPresets.map((preset, i) => buildRoad({ after }, preset, i + 1, world.gates[preset], `${network}.${i + 1}`)),
  )
  const mailer = await sender.start({ after }, roads)
  const both = async (road: Road, client: string) => {
    world.names.call(client, `mail.${domainOf(name)}`)
    const gate = world.gates[road.preset]
    const first = await deliver(mailer, road, gate, client, 1)
    return [first, await deliver(mailer, road, gate, client, 2)]
  }
  const deliveries = new Map(roads.map((road, i) => [road.preset, both(road, `${network}.${i + 1}`)]))
  await Promise.allSettled(deliveries.values())
  return deliveries
}

/** All at the same time. */
const played = senders.map(play)
await Promise.allSettled(played)

for (const [i, { name, expected }] of senders.entries()) {
  describe(name, () => {
    for (const preset of zooPresets) {
      const [firstSeconds, secondSeconds, deferrals] = expected[preset]
      test(`${preset}: delivered, never refused, deferred once at most, and its second message passes at once`, async () => {
        const [first, second] = (await (await played[i])?.get(preset)) ?? []
        assert.ok(first !== undefined && second !== undefined)
        assert.equal(first.refusals + second.refusals, 0)
        assert.ok(first.deferrals <= 1, `${first.deferrals} deferrals`)
        assert.equal(second.deferrals, 0)
        // As the document says.
        assert.equal(first.deferrals, deferrals)
        assert.ok(isAbout(first.seconds, firstSeconds), `the first took ${first.seconds} s`)
        assert.ok(isAbout(second.seconds, secondSeconds), `the second took ${second.seconds} s`)
      })
    }
  })
}
