import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningGate, SessionLine } from '../support/gate.ts'
import { zooPresets } from './animal.ts'
import { senders } from './senders/index.ts'
import { buildRoad, domainOf, type Mailer, type Road } from './senders/sender.ts'
import { startWorld } from './world.ts'

const world = await startWorld({ after })

interface Delivery {
  /** Sessions that the gate deferred, before the message was taken. */
  readonly deferrals: number
  /** Replies of 5xx that it heard. */
  readonly refusals: number
  /** From the connection to the end of the session that brought it, seconds. */
  readonly seconds: number
}

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
        seconds: (since[taken]?.ms.end ?? 0) / 1_000,
      }
    }
    if (since.length > seen - before) {
      seen = before + since.length
      await mailer.again(road, subject)
    }
    await sleep(100)
  }
  throw new Error(`${client} could not send: ${JSON.stringify(lines())}`)
}

const deliveries = new Map<string, readonly Delivery[]>(
  (
    await Promise.all(
      senders.map(async (sender, i) => {
        const name = sender.name.toLowerCase()
        const roads = await Promise.all(
          zooPresets.map((preset, k) =>
            buildRoad({ after }, preset, k + 1, world.gates[preset], `198.19.${i}.${k + 1}`),
          ),
        )
        world.names.domain(domainOf(name), [`198.19.${i}.0/24`])
        const mailer = await sender.start({ after }, roads)
        return Promise.all(
          roads.map(async (road, k) => {
            const client = `198.19.${i}.${k + 1}`
            world.names.call(client, `mail.${domainOf(name)}`)
            const gate = world.gates[road.preset]
            const first = await deliver(mailer, road, gate, client, 1)
            const second = await deliver(mailer, road, gate, client, 2)
            return [`${sender.name}, ${road.preset}`, [first, second]] as const
          }),
        )
      }),
    )
  ).flat(),
)

for (const { name } of senders) {
  describe(name, () => {
    for (const preset of zooPresets) {
      test(`${preset}: delivered, never refused, deferred once at most, and its second message passes at once`, () => {
        const [first, second] = deliveries.get(`${name}, ${preset}`) ?? []
        assert.ok(first !== undefined && second !== undefined)
        assert.equal(first.refusals + second.refusals, 0)
        assert.ok(first.deferrals <= 1, `${first.deferrals} deferrals`)
        assert.equal(second.deferrals, 0)
        assert.ok(second.seconds < 5, `${second.seconds} s`)
      })
    }
  })
}
