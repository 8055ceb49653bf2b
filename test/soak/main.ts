/**
 * `npm run soak`: half an hour of mail, bots and traps at 60 % of what the gate can do here. The exit status is 1 when memory grows, or descriptors or
 * timers are left over. `npm run soak -- --minutes 2 --svg var/soak.svg`.
 */

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import type { Owner } from '../support/owner.ts'
import { picture } from './curve.ts'
import { soak } from './soak.ts'
import { growth, leaks } from './verdict.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, svg: { type: 'string', default: 'var/soak.svg' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error('--minutes: a number above 0, please')

const undo: (() => Promise<void> | void)[] = []
const owner: Owner = { after: each => void undo.push(each) }
try {
  const soaked = await soak(owner, minutes * 60)
  const { samples, before, after, capacity, rate, heard } = soaked
  const most = (of: readonly number[]) => Math.max(...of).toFixed(0)
  const line = [
    `${minutes} min at ${rate.toFixed(0)} clients a second, 60 % of ${capacity.toFixed(0)}`,
    `memory at most ${most(samples.map(({ memory }) => memory))} MB, over the last two thirds ${(growth(samples) * 100).toFixed(1)} %`,
    `descriptors at rest ${before.descriptors} before, ${after.descriptors} after, at most ${most(samples.map(({ descriptors }) => descriptors))}`,
    `timers ${before.timers}, ${after.timers}, ${most(samples.map(({ timers }) => timers))}`,
  ].join('; ')
  await mkdir(dirname(values.svg), { recursive: true })
  await writeFile(values.svg, picture(samples, line))
  console.log(line)
  for (const [what, count] of [...heard].sort()) console.log(`${what}: ${count}`)
  console.log(`the curve: ${values.svg}`)
  const wrong = leaks(soaked)
  for (const each of wrong) console.log(each)
  if (wrong.length > 0) process.exitCode = 1
} finally {
  for (const each of undo.reverse()) await each()
}
