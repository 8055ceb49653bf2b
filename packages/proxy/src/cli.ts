#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { commands, type Values, version } from './commands.ts'
import { errorText } from './error.ts'
import { print, wrongUsage } from './terminal.ts'

const options = {
  config: { type: 'string', short: 'c' },
  json: { type: 'boolean' },
  recipient: { type: 'string' },
  examples: { type: 'string' },
  helo: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  write: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const

const help = `usage: sallyport COMMAND [OPTION]... [REF|ADDRESS|FILE|SCRIPT]

  run      run the gate in the foreground until SIGTERM; SIGHUP reads the configuration again
  check    tell everything that is wrong with the configuration and the files that
           it names, and what may be
  doctor   look at every server behind, certificates, Redis, DNS lists and this host
           as the gate would find them, and tell what would do; no message is sent
  explain  what happened in the session of a reference id, and why; or, of an
           address: what is known of it, and what would happen if it came now
  replay   judge the records of FILE again, with the full files beside it, and
           tell what would change; - is standard input
  try      play a script, what a client does, against the configuration, in
           virtual time; - is standard input
  config   print the configuration with all defaults, passwords as ***
  schema   print the JSON Schema of the configuration

  -c, --config FILE   the configuration; else ./sallyport.yaml, else
                      /etc/sallyport/sallyport.yaml, else the defaults alone
      --json          check, doctor, explain, replay, try: the answer as JSON
      --helo NAME, --from ADDRESS, --to ADDRESS
                      explain: what the client would say, so that what depends on it is asked
      --examples N    replay: how many sessions of each change are shown; 5 if not said
      --recipient ADDRESS
                      doctor: an address that the backend must not relay to
  -h, --help          this text
  -V, --version       the version

Exit status: 0 all is well, 1 the gate could not start, the doctor found a fault, or explain found nothing, 2 wrong
usage, or it could not be found out, 78 an error in the configuration.
`

function main(args: string[]): number | Promise<number> {
  let parsed: { values: Values & { help?: boolean; version?: boolean }; positionals: string[] }
  try {
    parsed = parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    // The only errors that parseArgs throws are those of the user.
    // Behind the first sentence Node tells of arguments that begin with a dash, which there are none of here.
    return wrongUsage(errorText(error).replace(/\. To specify.*$/s, ''))
  }
  const { values, positionals } = parsed
  if (values.help === true) return print(help)
  if (values.version === true) return print(`sallyport ${version()}\n`)
  const [name, ...rest] = positionals
  if (name === undefined) return wrongUsage('a command is missing')
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) return wrongUsage(`unknown command ${name}`)
  const { operands = [] } = command
  if (rest.length < operands.length) return wrongUsage(`${name}: ${operands[rest.length]} is missing`)
  if (rest.length > operands.length) return wrongUsage(`${name}: unexpected ${rest.slice(operands.length).join(' ')}`)
  const stranger = Object.keys(values).find(option => !command.takes.includes(option as keyof Values))
  if (stranger !== undefined) return wrongUsage(`${name} does not take --${stranger}`)
  return command.run(values, rest)
}

process.exitCode = await main(process.argv.slice(2))
