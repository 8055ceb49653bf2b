import { cores } from './cores.ts'
import { dribble } from './dribble.ts'
import { eviction } from './eviction.ts'
import { hold } from './hold.ts'
import { lists } from './lists.ts'
import { memory } from './memory.ts'
import { outage } from './outage.ts'
import { refuse } from './refuse.ts'
import { bulk, relay } from './relay.ts'
import { store } from './store.ts'
import { isOver, print, type Row } from './table.ts'
import { writtenBack } from './written-back.ts'

/**
 * `npm run bench`: what the gate costs, beside a bare Node pipe in the same run. Loopback only, bounded in count. Ratios are
 * judged, and only they: absolute times say more about the machine. `npm run bench -- relay hold` runs a part;
 * `--strict` makes a ratio over its budget the exit status.
 */
const benches: Readonly<Record<string, () => Row[] | Promise<Row[]>>> = {
  lists,
  relay,
  bulk,
  refuse,
  hold,
  dribble,
  cores,
  store,
  outage,
  memory,
  eviction,
  'written-back': writtenBack,
}

const args = process.argv.slice(2)
const chosen = args.filter(arg => !arg.startsWith('--'))
const unknown = chosen.filter(name => benches[name] === undefined)
if (unknown.length > 0)
  throw new Error(`no such bench: ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`)

const rows: Row[] = []
console.log(`${'figure'.padEnd(66)} ${'value'.padStart(12)}  ${'of budget'.padStart(12)}`)
for (const [name, bench] of Object.entries(benches)) {
  if (chosen.length > 0 && !chosen.includes(name)) continue
  const some = await bench()
  print(some)
  rows.push(...some)
}
if (args.includes('--strict') && rows.some(isOver)) process.exitCode = 1
