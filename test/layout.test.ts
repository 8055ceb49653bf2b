import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { laws, type Tree } from './support/laws.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

function readTree(): Tree {
  const tree = new Map<string, string>()
  const read = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) {
        if (!['node_modules', 'dist', 'var'].includes(entry.name)) read(path)
      } else if (/\.(?:ts|mjs|smtp)$|^(?:package|tsconfig.*)\.json$/.test(entry.name)) {
        tree.set(path, readFileSync(join(root, path), 'utf8'))
      }
    }
  }
  for (const folder of ['packages', 'test', 'scripts']) read(folder)
  for (const file of ['package.json', 'tsconfig.json']) tree.set(file, readFileSync(join(root, file), 'utf8'))
  assert.ok(
    tree.has(`test/${relative(join(root, 'test', 'dist'), fileURLToPath(import.meta.url)).replace('.js', '.ts')}`),
  )
  return tree
}

const tree = readTree()

const rules = 'packages/rules/src/'
const proxy = 'packages/proxy/src/'

/** For each law, files that each break it alone, added to the tree as it is. */
const breaches: Readonly<Record<keyof typeof laws, readonly (readonly [path: string, text: string])[]>> = {
  'rules imports nothing but itself': [
    [`${rules}x.ts`, "import { readFileSync } from 'node:fs'"],
    [`${rules}x.ts`, "import {\n  a,\n  b,\n} from '../../proxy/src/id.ts'"],
    [`${rules}checks/x.ts`, "export { a } from 'zod'"],
    [`${rules}x.ts`, "const zod = await import('zod')"],
  ],
  'a check imports check.ts and duration.ts, the type of facts.ts, and no other check': [
    [`${rules}checks/x.ts`, "import { pregreet } from './pregreet.ts'"],
    [`${rules}checks/x.ts`, "import { Facts } from '../facts.ts'"],
    [`${rules}checks/x.ts`, "import { judge } from '../judge.ts'"],
  ],
  'smtp imports nothing but itself': [
    [`${proxy}smtp/x.ts`, "import type { Instant } from '@sallyport/rules'"],
    [`${proxy}smtp/x.ts`, "import { replies } from '../session/replies.ts'"],
  ],
  'session imports itself, smtp and the rules by their index': [
    [`${proxy}session/phases/x.ts`, "import { Gate } from '../../gate.ts'"],
    [`${proxy}session/x.ts`, "import { judge } from '@sallyport/rules/judge.js'"],
    [`${proxy}session/x.ts`, "import 'node:net'"],
  ],
  'rules, smtp and session read no clock, no dice and no process': [
    [`${rules}x.ts`, 'const now = Date.now()'],
    [`${proxy}smtp/x.ts`, 'const dice = Math.random()'],
    [`${proxy}session/x.ts`, 'const now = performance.now()'],
    [`${proxy}session/phases/x.ts`, 'setTimeout(go, 1)'],
    [`${rules}checks/x.ts`, 'const clock = globalThis'],
  ],
  'rules, smtp and session are compiled without types of Node': [
    ['packages/rules/tsconfig.json', '{}'],
    ['packages/proxy/src/smtp/tsconfig.json', '{"compilerOptions":{"types":["node"]}}'],
    ['packages/proxy/src/session/tsconfig.json', '{"compilerOptions":{}}'],
  ],
  'a package that is not ours is imported in one place': [
    [`${proxy}x.ts`, "import { pino } from 'pino'"],
    [`${proxy}store/x.ts`, "import { Redis } from 'ioredis'"],
    [`${proxy}config/x.ts`, "import { Redis } from 'ioredis'"],
    [`${proxy}x.ts`, "import net from 'net'"],
    [`${rules}x.ts`, "import { chunk } from 'lodash'"],
  ],
  'packages need at run time what is allowed, and nothing more': [
    ['package.json', '{"dependencies":{"zod":"4"}}'],
    ['packages/rules/package.json', '{"dependencies":{"zod":"4"}}'],
    ['packages/proxy/package.json', '{"dependencies":{"zod":"4"}}'],
    ['packages/proxy/package.json', '{}'],
  ],
  'nothing outside the tests imports them': [
    [`${proxy}x.ts`, "import { makeHouse } from '../../../test/support/house.ts'"],
    ['scripts/x.mjs', "import { makeHouse } from '../test/support/house.js'"],
  ],
  'no default exports': [
    [`${proxy}x.ts`, 'export default class {}'],
    ['test/x.ts', 'export { x as default }'],
  ],
  'no any and no enum': [
    [`${proxy}x.ts`, 'let x: any'],
    [`${proxy}x.ts`, 'const x = y as any'],
    [`${proxy}x.ts`, 'let x: Map<string, Set<any>>'],
    [`${proxy}x.ts`, 'let x: string | any'],
    [`${proxy}x.ts`, 'export const enum Colour { red }'],
  ],
  'no compiler or linter is told to look away': [
    // In two pieces, or this file would break the law.
    [`${proxy}x.ts`, `// @ts-${'ignore'}`],
    [`${proxy}x.ts`, `// biome-${'ignore'} lint: no`],
  ],
  'a source file that a comment names is there': [[`${proxy}x.ts`, '// See store/nowhere.ts.']],
  'file names are kebab-case': [
    [`${proxy}xY.ts`, ''],
    [`${proxy}x_y.ts`, ''],
    [`${proxy}Phases/x.ts`, ''],
    ['test/transcripts/greet/Bad.smtp', ''],
  ],
  'a file has 300 lines at most, a test 450': [
    [`${proxy}x.ts`, '\n'.repeat(301)],
    ['test/x.ts', '\n'.repeat(451)],
  ],
}

for (const [sentence, law] of Object.entries(laws)) {
  describe(sentence, () => {
    test('is kept', () => assert.deepEqual(law(tree), []))
    for (const [path, text] of breaches[sentence as keyof typeof laws]) {
      test(`is broken by ${JSON.stringify(text.slice(0, 60))} in ${path}`, () => {
        const broken = new Map(tree).set(path, text)
        const found = law(broken).filter(line => !law(tree).includes(line))
        assert.equal(found.length, 1, found.join('\n'))
        assert.ok(found[0]?.startsWith(path))
      })
    }
  })
}
