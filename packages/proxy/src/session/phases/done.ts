import { type Phase, withoutBackend } from '../phase.ts'

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
