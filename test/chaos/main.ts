/**
 * `npm run chaos`: messages through two gates that are killed all the time, with Redis and the backend in no better state. The exit status is 1 when
 * one is lost, refused for good, or there twice without an excuse. `npm run chaos -- --seed 7 --messages 1000 --rate 40`.
 */

import { parseArgs } from 'node:util'
import { owning } from '../support/owner.ts'
import { isPassed, ordeal, report } from './ordeal.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000' },
    rate: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})

const order = { messages: Number(values.messages), rate: Number(values.rate), seed: Number(values.seed) }
for (const [name, value] of Object.entries(order)) {
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name}: a whole number above 0, please`)
}

console.log(`seed ${order.seed}: ${order.messages} messages at ${order.rate} a second`)
await owning(async owner => {
  const outcome = await ordeal(owner, order)
  console.log(report(outcome))
  if (!isPassed(outcome)) process.exitCode = 1
})
