// `npm start`: installs what is missing, builds, and runs the gate with the arguments given.
//
// The gate runs in this process and not in a child: signals reach it as the system sends them, and it can drain.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { installPackages, quietly, requireNode, root, stepper, tool } from './steps.mjs'

requireNode()
// Standard output is the gate's: its log may be read by a machine.
const step = stepper('start', process.stderr)
await step('npm packages', installPackages)
await step('build', () => quietly(tool('tsc'), ['-b', 'packages/proxy']))

const cli = join(root, 'packages', 'proxy', 'dist', 'cli.js')
process.argv = [process.argv[0], cli, 'run', ...process.argv.slice(2)]
await import(pathToFileURL(cli).href)
