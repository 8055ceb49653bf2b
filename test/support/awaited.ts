import { readFile } from 'node:fs/promises'
import { found } from './found.ts'

/** A mail server whose log and messages can be read at any time. */
interface Observed {
  log(): Promise<string>
  messages(): Promise<string[]>
}

/** The first line of its log that matches; rejects with the log's end after `waitMs`. */
export function awaitedLine(server: Observed, pattern: RegExp, waitMs = 20_000): Promise<string> {
  const look = async (): Promise<string | undefined> =>
    (await server.log()).split('\n').find(line => pattern.test(line))
  return found(`no line of the log matches ${pattern}`, waitMs, look, () => server.log())
}

/** All its messages, once there are at least `count`; rejects with the log's end after `waitMs`. */
export function awaitedMessages(server: Observed, count: number, waitMs = 20_000): Promise<string[]> {
  const look = async (): Promise<string[] | undefined> => {
    const messages = await server.messages()
    return messages.length >= count ? messages : undefined
  }
  return found(`fewer than ${count} messages were delivered`, waitMs, look, () => server.log())
}

/** A log as a server writes it: empty as long as it has written none. */
export const logIn = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '')
