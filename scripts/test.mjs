// `npm test`: installs what is missing, compiles, lints, and runs the tests; `npm test -- test/rules` runs those below a path, and
// options that begin with `--test-` go to node:test.
//
// Left out unless named: what measures or searches and takes as long as it is given.

import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { installServers } from './servers.mjs'
import { installPackages, quietly, requireNode, root, StepFailed, stepper, systemPath, tool } from './steps.mjs'
import { unpackServers } from './unpacked.mjs'

const longRunning = ['bench', 'fuzz', 'chaos', 'soak'].map(name => join('test', name))

requireNode()
const given = process.argv.slice(2)
const options = given.filter(argument => argument.startsWith('--test-'))
const paths = given.filter(argument => !argument.startsWith('--test-')).map(path => relative(root, resolve(path)))
const files = []

const step = stepper('test', process.stdout)
await step('npm packages', installPackages)
await step('real servers', installServers)
await step('unpacked servers', unpackServers)
await step('tsc -b', () => quietly(tool('tsc'), ['-b']))
await step('biome check', () => quietly(tool('biome'), ['check', '--error-on-warnings', '.']))
await step('find tests', () => {
  files.push(...testFiles())
  if (files.length === 0) throw new StepFailed(`There is no test at or below ${paths.join(', ')}.`)
  return `${files.length} files`
})

// Half of the time a file waits: for servers to start, for the gate's pauses and deadlines.
const atATime = 2 * availableParallelism()
const child = spawn(
  process.execPath,
  // A test that hangs fails; none of them takes minutes.
  ['--enable-source-maps', '--test', `--test-concurrency=${atATime}`, '--test-timeout=300000', ...options, ...files],
  { cwd: root, env: { ...process.env, PATH: systemPath() }, stdio: 'inherit' },
)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.once('exit', code => process.exit(code ?? 1))

/** The compiled files of the tests to run: by their sources, so that what was compiled of a test since removed is not run. */
function testFiles() {
  return readdirSync(join(root, 'test'), { recursive: true })
    .map(path => join('test', path))
    .filter(path => path.endsWith('.test.ts') && !isBelow(path, join('test', 'dist')))
    .filter(path =>
      paths.length === 0
        ? !longRunning.some(directory => isBelow(path, directory))
        : paths.some(wanted => wanted === '' || isBelow(path, wanted)),
    )
    .map(path => join('test', 'dist', relative('test', path)).replace(/\.ts$/, '.js'))
    .sort()
}

function isBelow(path, directory) {
  return path === directory || path.startsWith(`${directory}/`)
}
