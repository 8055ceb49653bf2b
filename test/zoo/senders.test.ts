import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningGate, SessionLine } from '../support/gate.ts'
import { type ZooPreset, zooPresets } from './animal.ts'
import { senders } from './senders/index.ts'
import {
  buildRoad,
  type Delivery,
  domainOf,
  type Mailer,
  type Message,
  type Road,
  type Sender,
} from './senders/sender.ts'
import { startWorld } from './world.ts'

/** Seconds until the greylisted may come again: what the presets have for it, minutes, is too long for a test. */
const greylistDelay = 2

const world = await startWorld({ after }, `checks: { greylist: { delay: ${greylistDelay} } }`)

/** Senders who let nobody but their own servers write for them. */
const strangers = ['anna@bank.example', 'bert@shop.example'] as const
for (const sender of strangers) world.names.domain(sender.slice(sender.indexOf('@') + 1), ['192.0.2.0/24'])

/** Sends a message, and again as often as it is deferred. */
async function deliver(
  mailer: Mailer,
  road: Road,
  gate: RunningGate,
  client: string,
  message: Message,
): Promise<Delivery> {
  const lines = (): SessionLine[] => gate.log().filter(line => line.client === client)
  const before = lines().length
  await mailer.send(road, message)
  for (let seen = before, tries = 0; tries < 600; tries++) {
    const since = lines().slice(before)
    const taken = since.findIndex(({ messages }) => messages?.['accepted'] === 1)
    if (taken >= 0) {
      const others = since.slice(0, taken)
      const replies = since.slice(0, taken + 1).map(({ reply = '' }) => reply)
      return {
        deferrals: replies.filter(reply => reply.startsWith('4')).length,
        refusals: replies.filter(reply => reply.startsWith('5')).length,
        by: [...new Set(others.map(({ check = 'none' }) => check))],
        seconds: (since[taken]?.ms.relay ?? 0) / 1_000,
      }
    }
    if (since.length > seen - before) {
      seen = before + since.length
      await sleep(greylistDelay * 1_000 + 500)
      await mailer.again(road, message)
    }
    await sleep(100)
  }
  throw new Error(`${client} could not send: ${JSON.stringify(lines())}`)
}

/** On a busy machine all takes longer. */
const isAbout = (seconds: number, expected: number): boolean => seconds > expected - 1.5 && seconds < expected + 6

/** Both messages to each gate, by its preset. What goes wrong is thrown by the test that asks for it, when all are over. */
type Deliveries = ReadonlyMap<ZooPreset, Promise<readonly [Delivery, Delivery]>>

/** `messages`: for the domain of the recipient. */
async function play(
  sender: Sender,
  network: string,
  messages: (domain: string) => readonly [Message, Message],
): Promise<Deliveries> {
  const roads = await Promise.all(
    zooPresets.map((preset, i) => buildRoad({ after }, preset, i + 1, world.gates[preset], `${network}.${i + 1}`)),
  )
  const mailer = await sender.start({ after }, roads)
  const both = async (road: Road, client: string): Promise<readonly [Delivery, Delivery]> => {
    world.names.call(client, `mail.${domainOf(sender.name.toLowerCase())}`)
    const gate = world.gates[road.preset]
    const [one, other] = messages(road.domain)
    const first = await deliver(mailer, road, gate, client, one)
    return [first, await deliver(mailer, road, gate, client, other)]
  }
  const deliveries = new Map(roads.map((road, i) => [road.preset, both(road, `${network}.${i + 1}`)]))
  await Promise.allSettled(deliveries.values())
  return deliveries
}

/** With mail of its own. */
function playSender(sender: Sender, position: number): Promise<Deliveries> {
  const own = domainOf(sender.name.toLowerCase())
  const network = `198.19.${position}`
  world.names.domain(own, [`${network}.0/24`])
  const message = (domain: string, subject: string) => ({ from: `sender@${own}`, to: `user@${domain}`, subject })
  return play(sender, network, domain => [message(domain, 'message 1'), message(domain, 'message 2')])
}

/** With mail of others, whose senders it keeps, for two recipients. */
function playForwarder(sender: Sender, position: number): Promise<Deliveries> {
  const [anna, bert] = strangers
  return play(sender, `198.19.${100 + position}`, domain => [
    { from: anna, to: `user@${domain}`, subject: 'message 1' },
    { from: bert, to: `other@${domain}`, subject: 'message 2' },
  ])
}

const forwarders = senders.filter(({ queue }) => queue !== undefined)

/** All at the same time. */
const played = senders.map(playSender)
const forwarded = forwarders.map(playForwarder)
await Promise.allSettled([...played, ...forwarded])

/** What came of both messages, neither of which was ever refused. */
async function delivered(all: Promise<Deliveries> | undefined, preset: ZooPreset) {
  const [first, second] = (await (await all)?.get(preset)) ?? []
  assert.ok(first !== undefined && second !== undefined)
  assert.equal(first.refusals + second.refusals, 0)
  return { first, second }
}

for (const [i, { name, expected }] of senders.entries()) {
  describe(name, () => {
    for (const preset of zooPresets) {
      const [firstSeconds, secondSeconds, deferrals] = expected[preset]
      test(`${preset}: delivered, never refused, deferred once at most, and its second message passes at once`, async () => {
        const { first, second } = await delivered(played[i], preset)
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

for (const [i, { name }] of forwarders.entries()) {
  describe(`${name}, as a forwarder`, () => {
    for (const preset of zooPresets) {
      test(`${preset}: asked once to come again, which its queue does, and not for the next sender and recipient`, async () => {
        const { first, second } = await delivered(forwarded[i], preset)
        assert.deepEqual([first.deferrals, first.by, second.deferrals], [1, ['greylist'], 0])
      })
    }
  })
}
