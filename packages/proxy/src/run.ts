import type { Config } from './config/config.ts'
import { type Log, openLog } from './log.ts'
import { type Running, StartError, start } from './main.ts'
import { configured } from './own-checks/configured.ts'

const stdout = 1

/**
 * `sallyport run`: a gate in the foreground, until it is told to stop. SIGTERM and SIGINT drain, a second one ends at once;
 * SIGHUP reads the configuration again, and keeps the old one where the new one is not good (nginx's contract).
 * Gives the exit status: 0 stopped as told, 1 could not start.
 *
 * `path`: the configuration's file; null: there is none, and the defaults hold.
 */
export async function run(version: string, config: Config, path: string | null): Promise<number> {
  const log = openLog(config.log.level, stdout)
  process.once('uncaughtException', fault => {
    log.error({ event: 'fault', error: fault.stack ?? fault.message }, 'internal error outside a session')
    log.flush()
    process.exit(1)
  })
  const starting = start(version, config, log)
  // One after the other, so that the last file read is the one in force. The start may take as long as a silent backend is
  // waited for, and a signal that nobody expects would end the process.
  let reloading: Promise<unknown> = Promise.resolve()
  const reloadOnce = () =>
    starting.then(
      running => reload(running, path, log),
      () => {},
    )
  process.on('SIGHUP', () => {
    reloading = reloading.then(reloadOnce)
  })
  let running: Running
  try {
    running = await starting
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    for (const problem of error.problems) log.error({ event: 'start' }, problem)
    log.flush()
    return 1
  }
  await told()
  process.on('SIGTERM', () => abandon(log))
  process.on('SIGINT', () => abandon(log))
  await running.stop()
  log.info({ event: 'stop' }, 'stopped')
  log.flush()
  return 0
}

/** Until the first SIGTERM or SIGINT. */
function told(): Promise<void> {
  return new Promise(resolve => {
    process.once('SIGTERM', () => resolve())
    process.once('SIGINT', () => resolve())
  })
}

function abandon(log: Log): void {
  log.warn({ event: 'stop' }, 'told twice to stop: ended at once')
  log.flush()
  process.exit(0)
}

async function reload(running: Running, path: string | null, log: Log): Promise<void> {
  if (path === null) {
    log.warn({ event: 'reload' }, 'there is no configuration file to read again')
    return
  }
  const parsed = await configured(path)
  const problems = 'problems' in parsed ? parsed.problems : await running.reload(parsed.config)
  if ('problems' in parsed) running.gate.metrics.reloadSuccessful.set(0)
  for (const problem of problems) log.error({ event: 'reload' }, problem)
  if (problems.length > 0) log.error({ event: 'reload' }, 'the configuration was not taken; the old one stays in force')
  else log.info({ event: 'reload' }, 'the new configuration is in force')
}
