import { never } from '@sallyport/rules'
import { type Phase, withoutBackend } from '../phase.ts'
import type { Session } from '../session.ts'

/** Concluded. `Session` lets no input come here; the methods are for the compiler. */
export const done: Phase = {
  name: 'done',
  ...withoutBackend,
  work() {},
  clientEnded() {},
  learnt() {},
  timeout() {},
  drain() {},
}

/** Ends a session whose client has heard nothing yet, as if it had never begun: nobody is told, and nothing is learnt. */
export function undo(session: Session): void {
  session.phase = done
  session.deadline = never
  session.lines.clear()
}
