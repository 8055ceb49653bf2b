import type { Redis } from './redis-connection.ts'

type Stream = Redis['stream']

const held = new Set<Stream>()

/**
 * All commands that one turn of the event loop has for a connection go out in one write: the questions on a session's way in, the lessons on its way out,
 * and those of other sessions in the same turn. Each answer is heard as it comes.
 *
 * Not taken: the auto-pipelining of ioredis. It writes as seldom, and makes each command wait for the answers to all that went
 * with it, and looks in Lua's cache of scripts before.
 */
export function coalesce(redis: Redis): void {
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (command, stream) => {
    hold(redis.stream)
    return send(command, stream)
  }
}

/** `stream`: undefined before the first connection. */
function hold(stream: Stream | undefined): void {
  if (stream === undefined || held.has(stream)) return
  if (held.size === 0) setImmediate(release)
  held.add(stream)
  stream.cork()
}

function release(): void {
  for (const stream of held) stream.uncork()
  held.clear()
}
