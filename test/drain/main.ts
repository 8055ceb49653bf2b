/**
 * `npm run drain`: gates are stopped, replaced and given new configurations under load, and what became of it. The exit status is 1 when a
 * message is lost, or fails in a way that a mail server would not make good at once. `npm run drain -- --times 10`.
 */

import { parseArgs } from 'node:util'
import { owning } from '../support/owner.ts'
import { reload, restart } from './one-gate.ts'
import { replace, startReplaceable } from './replace.ts'
import { replacementText, tallyText, wrongWith, wrongWithReload, wrongWithReplacement } from './verdict.ts'

const { values } = parseArgs({ options: { times: { type: 'string', default: '5' } } })
const times = Number(values.times)
if (!Number.isSafeInteger(times) || times < 1) throw new Error('--times: a whole number above 0, please')

function tell(what: string, text: string, wrong: readonly string[]): void {
  console.log(`${what}\n${text}`)
  for (const each of wrong) console.log(each)
  if (wrong.length > 0) process.exitCode = 1
}

await owning(async owner => {
  const replacement = await replace(owner, await startReplaceable(owner), times)
  tell(`two gates replaced ${times} times`, replacementText(replacement), wrongWithReplacement(replacement))
  const reloaded = await reload(owner, 10 * times)
  tell(`${10 * times} configurations read`, tallyText(reloaded), wrongWithReload(reloaded))
  const restarted = await restart(owner, 2 * times)
  tell(`${2 * times} restarts on a socket that is held`, tallyText(restarted), wrongWith(restarted))
})
