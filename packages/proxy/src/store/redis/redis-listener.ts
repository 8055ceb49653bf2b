import { errorText } from '../../error.ts'
import { type ChannelListener, isRefusal, type Listening, type Redis } from './redis-connection.ts'

/** Between two looks whether it is still there, in ms. A server that hangs is left a second later. */
const lookInterval = 2_000
/** Before another connection is opened in the place of one that has ended, in ms. */
const pause = 1_000

/**
 * Listens to one channel, for ever: `open` gives a connection that may try again by itself; where one has ended the next is opened. `isGone`:
 * what it leads to has nothing to say any more. What is said while it is away is not heard. That it is away is not told: what can be done
 * about it the store's own connection says.
 */
export function listen(
  open: () => Redis,
  isGone: (redis: Redis) => boolean,
  channel: string,
  listener: ChannelListener,
): Listening {
  let closed = false
  let redis = begin()

  function begin(): Redis {
    const opened = open()
    opened.on('error', () => undefined)
    opened.on('message', (_channel: string, message: string) => listener.heard(message))
    opened.on('ready', () => void subscribe(opened))
    opened.on('end', () => {
      if (!closed) setTimeout(renew, pause).unref()
    })
    return opened
  }

  function renew(): void {
    if (!closed) redis = begin()
  }

  async function subscribe(opened: Redis): Promise<void> {
    try {
      await opened.subscribe(channel)
      listener.granted()
    } catch (error) {
      if (isRefusal(error)) listener.refused(errorText(error))
      // The answer may only be late: with the next connection it is tried again.
      else if (opened === redis) opened.disconnect(true)
    }
  }

  const looking = setInterval(() => {
    if (redis.status !== 'ready') return
    if (isGone(redis)) redis.disconnect()
    // Where it is not answered the connection is closed (socketTimeout).
    else redis.ping().catch(() => undefined)
  }, lookInterval).unref()

  return {
    close() {
      closed = true
      clearInterval(looking)
      redis.disconnect()
    },
  }
}
