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

/** What measures times, or has deadlines that are short for its sake: it is given a processor for each file. */
const measuring = [
  'faults',
  'proxy/store',
  'proxy/access-long.test.ts',
  'proxy/config/rules.test.ts',
  'proxy/replay/replay.test.ts',
  'rules/network-set.test.ts',
].map(path => join('test', path))

/** What waits for minutes of a sender's queue and hardly works: run beside the others, as it would keep them waiting at their end. */
const patient = ['zoo/senders.test.ts'].map(path => join('test', path))

/** What opens nothing, and says so much that Node, which is told to exit when all is done, does so before the end of it is out: of 2,117 results the last 18 were lost once. */
const talkative = ['transcripts.test.ts'].map(path => join('test', path))

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

const isOf = kind => file => kind.some(path => isBelow(sourceOf(file), path))
const isOther = file => ![measuring, patient, talkative].some(kind => isOf(kind)(file))
const running = new Set()
let isStopped = false
for (const signal of ['SIGINT', 'SIGTERM'])
  process.on(signal, () => {
    isStopped = true
    for (const child of running) child.kill(signal)
  })
// Half of the time a file waits: for servers to start, for the gate's pauses and deadlines.
const others = runTests(files.filter(isOther), 2 * availableParallelism())
const told = runTests(files.filter(isOf(talkative)), 1, others, [])
const beside = runTests(files.filter(isOf(patient)), 1, told)
const first = [await others, await told, await beside]
const outcomes = [...first, await runTests(files.filter(isOf(measuring)), availableParallelism())]
const sum = what => outcomes.reduce((count, outcome) => count + outcome[what], 0)
process.stdout.write(`${sum('pass')} passed, ${sum('fail') + sum('cancelled')} failed\n`)
process.exitCode = !isStopped && outcomes.every(({ code }) => code === 0) ? 0 : 1

/** Runs these files, so many at a time, and shows what node:test says of them, `after` something else; gives its exit status and what it counted. `ending`: how a file ends. */
async function runTests(files, atATime, after = Promise.resolve(), ending = ['--test-force-exit']) {
  const counts = { code: 0, pass: 0, fail: 0, cancelled: 0 }
  if (files.length === 0 || isStopped) return counts
  const reporter = options.some(option => option.startsWith('--test-reporter'))
    ? []
    : [`--test-reporter=${process.stdout.isTTY ? 'spec' : 'tap'}`]
  const child = spawn(
    process.execPath,
    // A test that hangs fails; none of them takes minutes. What a test has forgotten to close keeps nobody waiting, nor does Node, which
    // may turn for ever in closing what is still open (CleanupHandles() of 20.20, seen of faults/backends.test.ts on a busy machine).
    ['--enable-source-maps', '--test', ...ending, `--test-concurrency=${atATime}`, '--test-timeout=300000'].concat(
      reporter,
      options,
      files,
    ),
    {
      cwd: root,
      env: { ...process.env, PATH: systemPath(), ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}) },
      stdio: ['inherit', 'pipe', 'inherit'],
    },
  )
  running.add(child)
  const held = []
  let isShown = false
  void after.then(() => {
    isShown = true
    for (const octets of held) process.stdout.write(octets)
  })
  let cut = ''
  child.stdout.on('data', octets => {
    if (isShown) process.stdout.write(octets)
    else held.push(octets)
    const lines = (cut + octets.toString('latin1')).split('\n')
    cut = lines.pop() ?? ''
    for (const line of lines) {
      // The summary: `# pass 12`, or in colours `ℹ pass 12`.
      const [, what, count] = /^\S+ (pass|fail|cancelled) (\d+)/.exec(line) ?? []
      if (what !== undefined) counts[what] = Number(count)
    }
  })
  counts.code = await new Promise(resolve => child.once('close', resolve))
  running.delete(child)
  await after
  return counts
}

/** The source of a compiled test. */
function sourceOf(file) {
  return join('test', relative(join('test', 'dist'), file)).replace(/\.js$/, '.ts')
}

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
