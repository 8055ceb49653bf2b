import type { RedisStore } from '../config/config.ts'
import { RedisClients } from '../store/redis/redis.ts'
import { topologyText } from '../store/redis/redis-topology.ts'
import { Report } from './report.ts'
import { type Timed, timed } from './stopwatch.ts'

/** For the first connection, ms; afterwards commands have the wait that is configured. */
const connectWait = 3_000

/** What is written, for a client that cannot be: no address has this name. */
const client = `doctor-${process.pid}`
const lesson = { passed: { doctor: 60 }, failed: {} }

/** Does in Redis what the gate does, with its own scripts, and takes it away again. */
export async function examineRedis(store: RedisStore): Promise<Report> {
  const report = new Report(`redis ${topologyText(store)}`)
  let redis: RedisClients | null = null
  const connecting = () =>
    new Promise<RedisClients>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer in ${connectWait / 1000} s`)), connectWait)
      redis = new RedisClients(store, {
        ready: () => {
          // Of a cluster each node says so.
          if (redis?.ready !== true) return
          clearTimeout(late)
          resolve(redis)
        },
        lost: reason => {
          clearTimeout(late)
          reject(new Error(reason))
        },
      })
    })
  const connected = await timed(connecting)
  if ('fault' in connected) {
    const advice = `is it running, are store.${placeKey(store)} and store.password right? mail flows without, but gates share nothing`
    report.fail('reachable', connected.fault, connected.ms, advice)
  } else {
    report.ok('reachable', 'connected', connected.ms)
    await tryCommands(report, connected.value, store.commandWait)
  }
  await (redis as RedisClients | null)?.close()
  return report
}

async function tryCommands(report: Report, redis: RedisClients, wait: number): Promise<void> {
  const write = async () => {
    if ((await redis.remember(client, lesson)) === null) throw new Error('the key is of another kind')
    const { passed } = await redis.recall(client)
    if (passed['doctor'] === undefined) throw new Error('what was written is not there')
  }
  tell(report, 'PING', 'answered', wait, await timed(() => redis.ping()))
  tell(report, 'write', 'a key with a ttl, and read it', wait, await timed(write))
  tell(report, 'remove', 'the key is gone again', wait, await timed(() => redis.forget(client)))
}

function tell(report: Report, point: string, saw: string, wait: number, step: Timed<void>): void {
  const { ms } = step
  if ('fault' in step) {
    return report.fail(
      point,
      step.fault,
      ms,
      /NOPERM|NOAUTH|WRONGPASS/.test(step.fault)
        ? 'give the user its rights: +@read +@write +@scripting +@connection +time on the keys of store.prefix'
        : /READONLY|OOM|MISCONF/.test(step.fault)
          ? 'name a server that takes writes'
          : `it must answer within store.command_wait (${wait} ms)`,
    )
  }
  // The gate asks for every new client, and waits no longer than that.
  if (ms > wait / 2)
    report.warn(point, saw, ms, `near to store.command_wait (${wait} ms): bring it nearer, or wait longer`)
  else report.ok(point, saw, ms)
}

function placeKey(store: RedisStore): string {
  if ('sentinels' in store) return 'sentinels, store.master_name'
  return 'cluster' in store ? 'cluster' : 'url'
}
