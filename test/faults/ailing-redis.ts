import { type Owner, tempDirectory, undoAfter } from '../support/owner.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

/** A Redis that can be brought into each state in which it does not serve as it should, and out of it again. */
export class AilingRedis {
  readonly port: number
  private server: RedisServer
  private readonly folder: string
  /** The slow answers that are going on. */
  private slowness: Promise<unknown> = Promise.resolve()

  private constructor(server: RedisServer, folder: string) {
    this.port = server.port
    this.server = server
    this.folder = folder
  }

  /** It keeps what it was told, over its end. */
  static async start(owner: Owner): Promise<AilingRedis> {
    const folder = await tempDirectory(owner, 'redis')
    const redis = new AilingRedis(await startRedis(undefined, settingsOf(folder)), folder)
    undoAfter(owner, () => redis.server.stop())
    return redis
  }

  command(...words: (string | number)[]): Promise<string> {
    return this.server.command(...words)
  }

  async begin(state: State, ms: number): Promise<void> {
    switch (state) {
      case 'slow':
        this.slowness = this.server.command('-r', Math.ceil(ms / nap), 'DEBUG', 'SLEEP', nap / 1000)
        return
      case 'full':
        await this.server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1mb')
        return
      case 'read-only':
        await this.server.command('REPLICAOF', '127.0.0.1', 1)
        return
      case 'paused':
        this.server.pause()
        return
      case 'gone':
        await this.server.stop()
        return
      default:
        state satisfies never
    }
  }

  async end(state: State): Promise<void> {
    switch (state) {
      case 'slow':
        await this.slowness
        return
      case 'full':
        await this.server.command('CONFIG', 'SET', 'maxmemory', '0')
        return
      case 'read-only':
        await this.server.command('REPLICAOF', 'NO', 'ONE')
        return
      case 'paused':
        this.server.resume()
        return
      case 'gone':
        this.server = await startRedis(this.port, settingsOf(this.folder))
        return
      default:
        state satisfies never
    }
  }
}

export type State = 'slow' | 'full' | 'read-only' | 'paused' | 'gone'

export const states: readonly State[] = ['slow', 'full', 'read-only', 'paused', 'gone']

/** A slow Redis answers what has come meanwhile once in so many ms: less than the gate waits for an answer. */
const nap = 30

const settingsOf = (folder: string): readonly string[] => [
  ...['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'no', '--enable-debug-command', 'local'],
]
