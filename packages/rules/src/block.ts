import type { CheckName } from './checks/index.ts'
import type { Lesson } from './memory.ts'
import { networkShare } from './reputation.ts'

/** Points from which a client is suspect, unless the check `reputation` says otherwise. */
export const usualSuspectFrom = 5

/** The one check that fails by what is remembered alone. */
const remembering: CheckName = 'trap-recipient'

const isNetwork = (name: string): boolean => /\/(?:24|48)$/.test(name)

/** Whether a lesson can be a block at all: of most it need not be asked. */
export const mayBlock = ({ failed, repute }: Lesson): boolean =>
  Object.hasOwn(failed, remembering) || (repute?.score ?? 0) > 0

/**
 * Whether a lesson turns away those who are known by this name, although they have done nothing in their session: the name is now held to a
 * trap, or has just become suspect. `score`: what it came to; `suspectFrom`: in points; a network answers with a part of its own. Of these
 * lessons other gates are told, for sessions that are open there. A name that was suspect before is suspect there, too.
 *
 * Not told: any other failure. What it changes is the answer to the same fault if the client commits it again, and it is met at the client's
 * next connection.
 */
export function isBlock(name: string, lesson: Lesson, score: number, suspectFrom: number): boolean {
  if (Object.hasOwn(lesson.failed, remembering)) return true
  const added = lesson.repute?.score ?? 0
  const bound = isNetwork(name) ? suspectFrom * networkShare : suspectFrom
  return added > 0 && score >= bound && score - added < bound
}
