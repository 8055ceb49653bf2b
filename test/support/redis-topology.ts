// Several Redis servers as one: a master that Sentinels watch, and a cluster.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Owner, tempDirectory, undoAfter } from './owner.ts'
import { freePort } from './port.ts'
import { type RedisServer, redisPrograms, startRedis } from './redis.ts'
import { eventually } from './store-world.ts'

async function owned(
  owner: Owner,
  settings: readonly string[],
  programs = redisPrograms,
  port?: number,
): Promise<RedisServer> {
  const redis = await startRedis(port, settings, [], programs)
  undoAfter(owner, () => redis.stop())
  return redis
}

interface Watched {
  readonly master: RedisServer
  readonly replica: RedisServer
  readonly sentinel: RedisServer
}

/** A master, its replica, and one Sentinel that decides alone, after half a second. The name is `mail`. */
export async function startWatched(owner: Owner): Promise<Watched> {
  // By itself a master waits five seconds for further replicas.
  const atOnce = ['--repl-diskless-sync-delay', '0']
  const master = await owned(owner, atOnce)
  const replica = await owned(owner, [...atOnce, '--replicaof', '127.0.0.1', `${master.port}`])
  await eventually(
    'the replica has its data',
    async () => (await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    20_000,
  )
  const file = join(await tempDirectory(owner, 'sentinel'), 'sentinel.conf')
  const port = await freePort()
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor mail 127.0.0.1 ${master.port} 1`,
    'sentinel down-after-milliseconds mail 500',
    'sentinel failover-timeout mail 2000',
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  const sentinel = await startRedis(port, [], [file, '--sentinel'])
  undoAfter(owner, () => sentinel.stop())
  await eventually(
    'the Sentinel knows the replica',
    async () => (await sentinel.command('SENTINEL', 'replicas', 'mail')).includes(`${replica.port}`),
    20_000,
  )
  return { master, replica, sentinel }
}

const clusterSettings = [
  ...['--cluster-enabled', 'yes', '--cluster-require-full-coverage', 'no', '--cluster-node-timeout', '1000'],
  // By itself a master waits five seconds for further replicas.
  ...['--repl-diskless-sync-delay', '0'],
]

/** Masters without replicas, the first of them on the port `first`; the slots are shared out evenly, and those of one that is gone do not take the others with them. */
export async function startCluster(
  owner: Owner,
  count = 3,
  programs = redisPrograms,
  first?: number,
): Promise<readonly RedisServer[]> {
  const nodes: RedisServer[] = []
  for (let i = 0; i < count; i++) {
    const bus = await freePort()
    const port = i === 0 ? first : undefined
    nodes.push(await owned(owner, [...clusterSettings, '--cluster-port', `${bus}`], programs, port))
    const known = nodes[0]
    if (known !== undefined && i > 0) await known.command('CLUSTER', 'MEET', '127.0.0.1', `${nodes[i]?.port}`, bus)
    const from = Math.floor((i * 16_384) / count)
    await nodes[i]?.command('CLUSTER', 'ADDSLOTSRANGE', from, Math.floor(((i + 1) * 16_384) / count) - 1)
  }
  await untilWhole(nodes)
  return nodes
}

/** Adds a replica to the first node of a cluster. */
export async function startReplica(owner: Owner, nodes: readonly RedisServer[]): Promise<RedisServer> {
  const [master] = nodes
  if (master === undefined) throw new Error('no cluster')
  const bus = await freePort()
  const replica = await owned(owner, [...clusterSettings, '--cluster-port', `${bus}`])
  await replica.command('CLUSTER', 'MEET', '127.0.0.1', `${master.port}`, await busOf(master))
  const id = await master.command('CLUSTER', 'MYID')
  await eventually(
    'the replica knows its master',
    async () => (await replica.command('CLUSTER', 'NODES')).includes(id),
    20_000,
  )
  await replica.command('CLUSTER', 'REPLICATE', id)
  const link = async () => (await replica.command('INFO', 'replication')).includes('master_link_status:up')
  await eventually('the replica has its data', link, 20_000)
  // Who does not know it does not vote for it, and whom it does not know it does not ask.
  for (const node of nodes) {
    const knows = async () => new RegExp(`:${replica.port}@\\S* slave`).test(await node.command('CLUSTER', 'NODES'))
    await eventually('each node knows the replica', knows, 20_000)
    const isKnown = async () =>
      new RegExp(`:${node.port}@\\S* master .* connected`).test(await replica.command('CLUSTER', 'NODES'))
    await eventually('the replica knows each node', isKnown, 20_000)
  }
  return replica
}

/** Of itself a node says its bus: `<id> 127.0.0.1:<port>@<bus> myself,master ...`. */
async function busOf(node: RedisServer): Promise<string> {
  return /@(\d+)\S* myself/.exec(await node.command('CLUSTER', 'NODES'))?.[1] ?? ''
}

async function untilWhole(nodes: readonly RedisServer[]): Promise<void> {
  for (const node of nodes) {
    await eventually(
      'each node knows who has which slots',
      async () => {
        const info = await node.command('CLUSTER', 'INFO')
        return info.includes('cluster_state:ok') && info.includes('cluster_slots_ok:16384')
      },
      20_000,
    )
  }
}
