import { randomBytes } from 'node:crypto'
import { errorText } from '../../error.ts'
import type { RedisClients } from '../redis/redis.ts'
import { isRefusal, type Listening } from '../redis/redis-connection.ts'
import type { BlockListener, Counters, StoreLog } from '../store.ts'

/** Names are collected for so long before they are told, in ms: ten messages a second at most. */
export const tellWait = 100
/** Names in one message, and names that wait to be told; what is over is not told. */
export const mostTold = 50
export const mostUntold = 500
/** Octets of a message: that many of the longest names (`name:` and 100 octets), with room. */
export const longestMessage = 8_192
/** Octets of a name. */
export const longestName = 128
/** Names that are heard within a second, whoever tells them; what is over is not heard. */
export const mostHeard = 1_000

/** Of another form than this nothing is understood. */
const form = '1'

/**
 * What gates tell each other: names that were blocked (isBlock in the rules), on one channel of Redis, `1 <gate> <name> <name> ...`. Nobody waits for it and
 * nothing depends on it: whoever has not heard of a name meets it at the client's next connection. So what is too much is
 * dropped and counted, and a message that is lost is lost.
 *
 * All that is heard is bounded, and only says which names to ask for again: what is known of them the store says. Who may write on
 * the channel can make gates ask, and believe no good until they have been answered (doubts.ts), and no more.
 *
 * Not taken: what was learnt in the message, which would save the asking and make whoever writes on the channel judge; a stream
 * (`XADD`), which would tell a gate that was away what it asks for anyway.
 */
export class BlockChannel {
  readonly #redis: RedisClients
  readonly #log: StoreLog
  readonly #counters: Counters
  readonly #clock: () => number
  /** What this gate says is not news to it. */
  readonly #self = randomBytes(6).toString('base64url')
  readonly #untold = new Set<string>()
  #timer: NodeJS.Timeout | null = null
  #listening: Listening | null = null
  #isRefused = false
  /** Names heard since this instant. */
  #heard = 0
  #heardSince = Number.NEGATIVE_INFINITY

  constructor(redis: RedisClients, log: StoreLog, counters: Counters, clock: () => number) {
    this.#redis = redis
    this.#log = log
    this.#counters = counters
    this.#clock = clock
  }

  listen(listener: BlockListener): void {
    this.#listening?.close()
    this.#listening = this.#redis.listen({
      heard: message => {
        const names = this.#understood(message)
        if (names.length > 0) listener(names)
      },
      granted: () => {
        this.#isRefused = false
      },
      refused: reason => this.#refused(reason),
    })
  }

  tell(name: string): void {
    if (this.#untold.has(name)) return
    if (this.#untold.size >= mostUntold) this.#counters.blocksDropped++
    else this.#untold.add(name)
    this.#timer ??= setTimeout(() => void this.#tellNow(), tellWait).unref()
  }

  close(): void {
    this.#listening?.close()
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  async #tellNow(): Promise<void> {
    const names = [...this.#untold].slice(0, mostTold)
    for (const name of names) this.#untold.delete(name)
    this.#timer = this.#untold.size > 0 ? setTimeout(() => void this.#tellNow(), tellWait).unref() : null
    try {
      await this.#redis.publish(`${form} ${this.#self} ${names.join(' ')}`)
      this.#counters.blocksTold += names.length
    } catch (error) {
      this.#counters.blocksDropped += names.length
      if (isRefusal(error)) this.#refused(errorText(error))
    }
  }

  #understood(message: string): readonly string[] {
    if (message.length > longestMessage) return []
    const [said, who, ...names] = message.split(' ', mostTold + 2)
    if (said !== form || who === this.#self) return []
    const named = names.filter(name => isName.test(name))
    const now = this.#clock()
    if (now - this.#heardSince >= 1000) {
      this.#heard = 0
      this.#heardSince = now
    }
    const heard = named.slice(0, mostHeard - this.#heard)
    this.#heard += heard.length
    this.#counters.blocksHeard += heard.length
    this.#counters.blocksDropped += named.length - heard.length
    return heard
  }

  #refused(reason: string): void {
    if (this.#isRefused) return
    this.#isRefused = true
    this.#log.warn(
      `Redis refuses the channel of blocks (${reason}): what another gate learns of a client acts at its next connection only`,
    )
  }
}

const isName = new RegExp(`^[\\x21-\\x7e]{1,${longestName}}$`)
