import type { Redis } from './redis-connection.ts'

/**
 * A connection that is let go says so (`close`, `end`), whatever it is about. ioredis 6.0.0 says nothing of one that waits for its next attempt: it forgets the
 * attempt, and ends a socket that has ended before. A cluster waits for that word, to take the node out and, when it was the last, to begin
 * again: without it that node, or the whole cluster, is gone for good.
 */
export function endAloud(redis: Redis): void {
  const disconnect = redis.disconnect.bind(redis)
  redis.disconnect = (again = false) => {
    // As good as one that was never made, of which it does say it.
    if (!again && redis.status === 'reconnecting') redis.status = 'wait'
    disconnect(again)
  }
}
