import { print } from './table.ts'
import { World } from './world.ts'

/**
 * `npm run simulate`: 1, 10 and 100 gates in front of one store, in virtual time, two hours in the middle of which the store is away for ten
 * minutes. `npm run simulate -- --seed=7 --gates=3` runs another. Ends with 1 if anything is not as it must be.
 */
const option = (name: string): number | null => {
  const given = process.argv.find(argument => argument.startsWith(`--${name}=`))
  return given === undefined ? null : Number(given.slice(name.length + 3))
}

const seed = option('seed') ?? 1
const only = option('gates')
const extent = { end: 7200, outage: { from: 3600, to: 4200 }, share: 1 }

console.log(`seed ${seed}`)
for (const gates of only === null ? [1, 10, 100] : [only]) {
  const begin = performance.now()
  const report = await new World(gates, seed, extent).run()
  print(report, (performance.now() - begin) / 1000)
  if (report.violations.length > 0) process.exitCode = 1
}
