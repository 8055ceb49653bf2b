/**
 * `npm run soak`: half an hour of mail, bots and traps at 60 % of what the gate can do here. The exit status is 1 when memory grows, when descriptors or
 * timers are left over, or when good clients are not served. `npm run soak -- --minutes 2 --svg var/soak.svg`.
 */

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { owning } from '../support/owner.ts'
import { picture } from './curve.ts'
import { soak } from './soak.ts'
import { summary } from './summary.ts'
import { faults } from './verdict.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, svg: { type: 'string', default: 'var/soak.svg' } },
})
const minutes = Number(values.minutes)
if (!(minutes > 0)) throw new Error('--minutes: a number above 0, please')

await owning(async owner => {
  const soaked = await soak(owner, minutes * 60)
  const words = summary(soaked, minutes)
  await mkdir(dirname(values.svg), { recursive: true })
  await writeFile(values.svg, picture(soaked.samples, words))
  console.log(words.join('; '))
  for (const [how, count] of [...soaked.endings].sort()) console.log(`${how}: ${count}`)
  console.log(`the curve: ${values.svg}`)
  const wrong = faults(soaked)
  for (const each of wrong) console.log(each)
  if (wrong.length > 0) process.exitCode = 1
})
