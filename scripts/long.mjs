// `npm run bench|chaos|drain|simulate|soak`: installs what is missing, compiles, and runs what takes as long as it is given, with the arguments given.
//
// It runs in this process and not in a child: signals reach it as the system sends them, and it stops what it has started.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { installServers } from './servers.mjs'
import { installPackages, quietly, requireNode, root, stepper, systemPath, tool } from './steps.mjs'
import { unpackServers } from './unpacked.mjs'

/** What calls no server, and so runs for anybody anywhere. */
const alone = ['simulate']

requireNode()
const [, , name, ...given] = process.argv
// Standard output is for what comes out.
const step = stepper(name, process.stderr)
await step('npm packages', installPackages)
if (!alone.includes(name)) {
  await step('real servers', installServers)
  await step('unpacked servers', unpackServers)
}
await step('tsc -b', () => quietly(tool('tsc'), ['-b']))

const main = join(root, 'test', 'dist', name, 'main.js')
process.env.PATH = systemPath()
process.argv = [process.argv[0], main, ...given]
await import(pathToFileURL(main).href)
