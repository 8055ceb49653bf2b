import type { ClientRecord } from '../store.ts'
import type { Asked } from './questions.ts'

/** How long an answer is used, ms. */
export const hotSpan = 1_000
/** A name that is asked for more often than this within the span is hot. */
export const hotFrom = 4
/** Names that are counted within the span; further ones are asked for each time. */
export const mostHot = 10_000

type Said = Asked<ClientRecord>

interface Hot {
  asked: number
  /** What the store said last; null: it has not answered. */
  answer: Said | null
  /** The question that is under way; null: none is. */
  pending: Promise<Said> | null
  /** Something was learnt since the question was sent. */
  isOld: boolean
}

/**
 * Names that many ask for at once, as the network of a flood: the store is asked for each of them `hotFrom` times a second, and once at a
 * time. Everybody else is asked for anew each time, so that what one gate has learnt of a client all others know at its next connection;
 * of a hot name they know it within a second, or at once where they are told (block-channel.ts). Time is an argument, in ms on a
 * clock that only goes forward.
 *
 * Spans do not overlap, and what was known in one is thrown away with it: no answer is older than a span, and nothing has to be
 * looked through for what has expired. Not taken: to keep each answer for a second, which is simpler, and makes a client that passed at
 * one gate wait once more at another where it was met in that second; client-side caching of Redis (`CLIENT TRACKING`), which
 * invalidates by key, and sixty clients share one (client-record.ts): each lesson would invalidate them all at each gate.
 */
export class HotRecalls {
  private readonly names = new Map<string, Hot>()
  private since = Number.NEGATIVE_INFINITY

  /** What came of `question`, or the answer of one asked before. What was learnt meanwhile makes it be asked again, once: who learns on and on keeps nobody waiting. */
  async recall(name: string, now: number, question: () => Promise<Said>, isAgain = false): Promise<Said> {
    const hot = this.meet(name, now)
    if (hot.answer !== null && hot.asked > hotFrom) return hot.answer
    hot.pending ??= this.ask(hot, question)
    const answer = await hot.pending
    return hot.isOld && !isAgain ? this.recall(name, now, question, true) : answer
  }

  /** What is known of a name is not so any more. */
  drop(name: string): void {
    const hot = this.names.get(name)
    if (hot === undefined) return
    hot.isOld = true
    this.names.delete(name)
  }

  private meet(name: string, now: number): Hot {
    if (now - this.since >= hotSpan) {
      this.names.clear()
      this.since = now
    }
    const known = this.names.get(name)
    if (known !== undefined) {
      known.asked++
      return known
    }
    const hot: Hot = { asked: 1, answer: null, pending: null, isOld: false }
    if (this.names.size < mostHot) this.names.set(name, hot)
    return hot
  }

  private async ask(hot: Hot, question: () => Promise<Said>): Promise<Said> {
    const said = await question()
    hot.answer = typeof said === 'object' ? said : null
    hot.pending = null
    return said
  }
}
