// The chain that a message takes: Postfix with its queue → HAProxy → two gates with one Redis → Postfix with its mailboxes.

import { textOf } from '../deploy/files.ts'
import { adapted, type HaProxy, startHaProxy } from '../support/balancer.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { type Owner, undoAfter } from '../support/owner.ts'
import { freePort } from '../support/port.ts'
import { localDomain, type Postfix, startPostfix } from '../support/postfix.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const recipe = 'deploy/balancers/haproxy'

/** Gates have loopback addresses of their own, so that both use the port that HAProxy asks. */
const hosts = { gate1: '127.0.0.13', gate2: '127.0.0.14' } as const

export interface Chain {
  readonly sender: Postfix
  readonly haproxy: HaProxy
  readonly gates: Readonly<Record<keyof typeof hosts, RunningGate>>
  readonly redis: Memory
  readonly backend: Postfix
}

/** One Redis after the other on the same port: what is killed has forgotten everything. */
export class Memory {
  readonly port: number
  #server: RedisServer

  private constructor(server: RedisServer) {
    this.port = server.port
    this.#server = server
  }

  static async start(owner: Owner): Promise<Memory> {
    const memory = new Memory(await startRedis())
    undoAfter(owner, () => memory.#server.stop())
    return memory
  }

  pause(): void {
    this.#server.pause()
  }

  resume(): void {
    this.#server.resume()
  }

  kill(): Promise<void> {
    return this.#server.stop()
  }

  async restart(): Promise<void> {
    this.#server = await startRedis(this.port)
  }
}

export async function startChain(owner: Owner): Promise<Chain> {
  // The port of the client names the session in HAProxy's log and in the backend's.
  const backend = await startPostfix(owner, {
    main: { enable_long_queue_ids: 'yes', smtpd_client_port_logging: 'yes' },
  })
  const redis = await Memory.start(owner)
  const ports = { smtp: await freePort(), admin: await freePort() }
  const yaml = await textOf(`${recipe}/sallyport.yaml`)
  const gateAt = (host: string) => {
    const places = {
      '192.0.2.11:25': `${host}:${ports.smtp}`,
      '192.0.2.11:9525': `${host}:${ports.admin}`,
      '192.0.2.10': '127.0.0.1',
      '192.0.2.20:10025': `127.0.0.1:${backend.ports.proxy}`,
      '192.0.2.30:6379': `127.0.0.1:${redis.port}`,
    }
    return startGate(owner, adapted(yaml, places))
  }
  const gates = { gate1: await gateAt(hosts.gate1), gate2: await gateAt(hosts.gate2) }
  const haproxy = await startBefore(owner, ports)
  return { sender: await startSender(owner, haproxy.port), haproxy, gates, redis, backend }
}

/** The recipe's HAProxy, which asks ten times as often: a gate is away for seconds here. */
async function startBefore(owner: Owner, ports: { readonly smtp: number; readonly admin: number }): Promise<HaProxy> {
  const port = await freePort()
  const written = await textOf(`${recipe}/haproxy.cfg`)
  const places = {
    '192.0.2.11:25': `${hosts.gate1}:${ports.smtp}`,
    '192.0.2.12:25': `${hosts.gate2}:${ports.smtp}`,
    ':::25 v4v6': `127.0.0.1:${port}`,
    'port 9525': `port ${ports.admin}`,
    'inter 2s': 'inter 200ms',
    'slowstart 10s': 'slowstart 1s',
  }
  return startHaProxy(owner, adapted(written, places), port)
}

/** A mail server that sends everything to one port, and tries again within seconds and not within hours. */
function startSender(owner: Owner, port: number): Promise<Postfix> {
  const main = {
    myhostname: 'mx.example.org',
    virtual_mailbox_domains: '',
    virtual_mailbox_maps: '',
    default_transport: 'smtp',
    relayhost: `[127.0.0.1]:${port}`,
    enable_long_queue_ids: 'yes',
    minimal_backoff_time: '1s',
    maximal_backoff_time: '2s',
    queue_run_delay: '1s',
    // It goes on with the next message after one that failed: by default it would suspend the whole destination, and hardly try during faults.
    default_destination_concurrency_failed_cohort_limit: '0',
    default_destination_concurrency_negative_feedback: '0',
    initial_destination_concurrency: '20',
    smtp_connection_cache_on_demand: 'no',
    smtp_connect_timeout: '2s',
    smtp_helo_timeout: '20s',
    smtpd_client_connection_count_limit: '0',
  }
  return startPostfix(owner, { main })
}

/** Where the messages go. */
export const recipient = `user@${localDomain}`
