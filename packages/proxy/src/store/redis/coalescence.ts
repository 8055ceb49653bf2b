import type { Redis } from './redis-connection.ts'

type Stream = Redis['stream']

const corked = new Set<Stream>()

/**
 * All commands that one turn of the event loop has for a connection go out in one write: the questions on a session's way in, the lessons on its way out,
 * and those of other sessions in the same turn. Each answer is heard as it comes.
 *
 * With 20 sessions at once Redis reads 0.2 times a session where it read 1.6 times (`npm run bench -- store`, two runs each on a busy machine, a
 * stranger whose mail is taken), and takes 107 µs of its CPU where it took 132; the whole of the bench takes 20.2 s of the gate's where
 * it took 23.0.
 *
 * Not taken: the auto-pipelining of ioredis. It saves Redis as much (0.2 reads, 109 µs), the gate less (21.7 s), makes each command wait for the answers
 * to all that went with it, and asks which scripts are loaded first; to write at the end of each callback in place of the turn (0.2 reads,
 * 98 µs, 20.0 s): the same within what the runs differ by, and where many sockets are read in one turn it writes for each.
 */
export function coalesce(redis: Redis): void {
  const send = redis.sendCommand.bind(redis)
  redis.sendCommand = (command, stream) => {
    cork(redis.stream)
    return send(command, stream)
  }
}

/** `stream`: undefined before the first connection. */
function cork(stream: Stream | undefined): void {
  if (stream === undefined || corked.has(stream)) return
  if (corked.size === 0) setImmediate(uncork)
  corked.add(stream)
  stream.cork()
}

function uncork(): void {
  for (const stream of corked) stream.uncork()
  corked.clear()
}
