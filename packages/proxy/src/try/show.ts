import { decisionOf } from '../decisions/decision.ts'
import { textOf } from '../decisions/decision-text.ts'
import { printable } from '../smtp/octets.ts'
import type { Spoken } from './scene.ts'
import type { Played } from './stage.ts'

const marks: Readonly<Record<Spoken['who'], string>> = {
  client: 'C: ',
  gate: 'S: ',
  'to backend': '       B> ',
  backend: '       B< ',
  event: '-- ',
}

const seconds = (at: number): string => (at / 1000).toFixed(3)

/** Who said what, and when. */
export function dialogueText(spoken: readonly Spoken[]): string[] {
  return spoken.map(({ at, until, who, text }) => {
    // A line that came an octet at a time says how long that took.
    const dribbled = until - at >= 100 ? `   (its last octet at ${seconds(until)})` : ''
    return `${seconds(at).padStart(9)}  ${marks[who]}${printable(text, 200)}${dribbled}`
  })
}

/** The dialogue with its times, the verdict and why. */
export function playedText({ spoken, unsaid, session }: Played, time: number): string {
  const lines = dialogueText(spoken)
  const [first] = unsaid
  if (first !== undefined)
    lines.push(`           -- not said any more: ${unsaid.length} rows, from line ${first.line} on`)
  return `${lines.join('\n')}\n\n${textOf(decisionOf(session, time), null)}`
}

export function playedJson({ spoken, unsaid, session }: Played, time: number): string {
  const rest = unsaid.map(({ line }) => line)
  const found = { dialogue: spoken, unsaid: rest, decision: decisionOf(session, time) }
  return `${JSON.stringify(found, null, 2)}\n`
}
