import type { BackendWord, ReplyStage } from './backend-word.ts'
import type { CheckName } from './checks/index.ts'
import { bulk } from './memory.ts'
import type { Plan } from './policy.ts'
import type { Tally } from './tally.ts'

export const precisionWords = ['true', 'false', 'unknown'] as const
/**
 * How right a check was that failed, by what the backend said of the same session afterwards.
 *  - `true`: it refused, too: for the content, the client or the sender, or most recipients as unknown;
 *  - `false`: it took a message, which the check would have kept out: likely a false positive;
 *  - `unknown`: it said neither. So it is with all that were turned away: only who is let through can be judged.
 */
export type PrecisionWord = (typeof precisionWords)[number]

/** What one check that failed comes to. */
export interface Precision {
  readonly check: CheckName
  readonly word: PrecisionWord
}

/** What the backend has said since a check failed. */
interface Said {
  accepted: number
  condemned: number
  /** Recipients that it did not know, and that it did. */
  unknown: number
  known: number
}

/** With these a backend refuses what the gate might have refused; a full mailbox, or trouble of its own, says nothing of a check. */
const condemns: ReadonlySet<BackendWord> = new Set<BackendWord>(['content', 'policy', 'sender'])

/**
 * What became of a session after each check that failed in it: what the backend had said before cannot speak of that. Made with the first
 * reply behind a failure, so that sessions without one pay nothing.
 *
 * Not taken: to weigh the messages taken against those refused. One message taken is one that the check would have lost.
 */
export class Aftermath {
  private readonly said: (Said | undefined)[] = []

  /** The backend has answered; null where no check has failed. */
  static note(present: Aftermath | null, tally: Tally, stage: ReplyStage, word: BackendWord): Aftermath | null {
    if (tally.vouched !== null || !tally.outcomes.some(({ kind }) => kind === 'fail')) return present
    const aftermath = present ?? new Aftermath()
    aftermath.add(tally, stage, word)
    return aftermath
  }

  private add(tally: Tally, stage: ReplyStage, word: BackendWord): void {
    for (let i = 0; i < tally.outcomes.length; i++) {
      if (tally.outcomes[i]?.kind !== 'fail') continue
      let said = this.said[i]
      if (said === undefined) {
        said = { accepted: 0, condemned: 0, unknown: 0, known: 0 }
        this.said[i] = said
      }
      if (condemns.has(word)) said.condemned++
      else if (word === 'unknown user') said.unknown++
      else if (word === 'accepted' && stage === 'dot') said.accepted++
      else if (word === 'accepted' && stage === 'rcpt') said.known++
    }
  }

  /** `position`: of the check in its plan. */
  wordOf(position: number): PrecisionWord {
    const said = this.said[position]
    if (said === undefined) return 'unknown'
    if (said.accepted > 0) return 'false'
    return said.condemned > 0 || (said.unknown >= bulk && said.unknown > said.known) ? 'true' : 'unknown'
  }
}

const nothing: readonly Precision[] = []

/** How much there was in a session to which a failure may belong. */
export interface Extent {
  readonly recipients: number
  readonly transactions: number
}

/**
 * How right each check was that failed. One that is about a recipient, or a sender, is judged only where there was no other in
 * the session: of several it cannot be told to which a message belonged. Under a voucher no check would have done anything.
 */
export function precisionOf(
  plan: Plan,
  tally: Tally,
  aftermath: Aftermath | null,
  extent: Extent,
): readonly Precision[] {
  if (tally.vouched !== null || !tally.outcomes.some(({ kind }) => kind === 'fail')) return nothing
  const found: Precision[] = []
  plan.checks.forEach(({ name, scope }, i) => {
    if (tally.outcomes[i]?.kind !== 'fail') return
    const isMixed =
      (scope === 'recipient' && extent.recipients > 1) || (scope === 'transaction' && extent.transactions > 1)
    found.push({ check: name, word: isMixed ? 'unknown' : (aftermath?.wordOf(i) ?? 'unknown') })
  })
  return found
}
