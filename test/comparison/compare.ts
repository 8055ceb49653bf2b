import type { Outcome } from './campaign.ts'
import type { Exchange } from './exchange.ts'

/** Where two runs of one dialogue are not alike. */
export interface Difference {
  /** What the client said, `log` or `message`; `(connected)` for the greeting. */
  readonly at: string
  /** What there was without the gate; '' for nothing. */
  readonly direct: string
  readonly gate: string
}

/**
 * Everything in which `gate` differs from `direct`, reply by reply, octet for octet. Where one server has closed and the other has
 * not, the rest of the dialogue cannot be compared: the replies are left alone from there, but neither log nor messages are.
 */
export function compare(direct: Outcome, gate: Outcome): readonly Difference[] {
  return [
    ...inReplies(direct.exchanges, gate.exchanges),
    ...inLines('log', direct.log, gate.log),
    ...inMessages(direct.messages, gate.messages),
  ]
}

function inReplies(direct: readonly Exchange[], gate: readonly Exchange[]): readonly Difference[] {
  const found: Difference[] = []
  for (let i = 0; i < Math.max(direct.length, gate.length); i++) {
    const [one, other] = [direct[i], gate[i]]
    const told = (one ?? other)?.told ?? []
    const [saidOne, saidOther] = [said(one), said(other)]
    const commands = told.filter(row => !/^[MO]\|? ?/.test(row))
    const names = commands.length >= Math.max(saidOne.length, saidOther.length) - 1 ? commands : told
    for (let at = 0; at < Math.max(saidOne.length, saidOther.length); at++) {
      const [wanted, heard] = [saidOne[at] ?? '', saidOther[at] ?? '']
      if (wanted !== heard) found.push({ at: names[at] ?? told.at(-1) ?? '', direct: wanted, gate: heard })
    }
    if (one?.closed !== other?.closed) break
  }
  return found
}

/** The replies, and the close where it came before its time. */
function said(exchange: Exchange | undefined): readonly string[] {
  if (exchange === undefined) return []
  const early = exchange.closed && exchange.told[0] !== '(left)'
  return early ? [...exchange.replies, '(closed)'] : exchange.replies
}

/** Lines that only one of the two has, each as often as it has it more. */
function inLines(at: string, direct: readonly string[], gate: readonly string[]): readonly Difference[] {
  const surplus = (of: readonly string[], over: readonly string[]) => {
    const rest = [...over]
    return of.filter(line => {
      const place = rest.indexOf(line)
      if (place >= 0) rest.splice(place, 1)
      return place < 0
    })
  }
  return [
    ...surplus(direct, gate).map(line => ({ at, direct: line, gate: '' })),
    ...surplus(gate, direct).map(line => ({ at, direct: '', gate: line })),
  ]
}

function inMessages(direct: readonly string[], gate: readonly string[]): readonly Difference[] {
  const found: Difference[] = []
  for (let i = 0; i < Math.max(direct.length, gate.length); i++) {
    const [one = '', other = ''] = [direct[i], gate[i]]
    if (one !== other) found.push({ at: 'message', direct: one, gate: other })
  }
  return found
}
