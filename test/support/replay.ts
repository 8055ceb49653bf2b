import type { BackendView } from './backend-view.ts'
import { hostname } from './house.ts'
import type { Told } from './told.ts'

/** What a backend may be told next: a line, some XCLIENT, nothing at all, or nothing because it is the client's turn. */
type Next = { readonly line: string; readonly isLast: boolean } | 'xclient' | 'nothing' | 'greets'

/**
 * What a new connection is told, in this order and not a step further than the replies allow: EHLO and STARTTLS where TLS is wanted
 * (RFC 3207), XCLIENT with ADDR as its last word (Postfix XCLIENT_README), the client's hello, its MAIL, its command; null: the
 * client waits for its greeting.
 */
export function nextOf({ exchanges, use, secured }: BackendView, told: Told, command: string | null): Next {
  const said = [...exchanges]
  const isOpen = /^220/.test(said.shift()?.reply ?? '')
  if (use === null || !isOpen) return 'nothing'
  if (use.tls !== 'off') {
    const hello = said.shift()
    if (hello === undefined) return { line: `EHLO ${hostname}`, isLast: false }
    if (/^3/.test(hello.reply ?? '')) return 'nothing'
    const offers = /^2/.test(hello.reply ?? '') && /^250[- ]STARTTLS\r/m.test(hello.reply ?? '')
    const starttls = offers ? said.shift() : null
    if (starttls === undefined) return { line: 'STARTTLS', isLast: false }
    const accepted = /^220/.test(starttls?.reply ?? '')
    if (accepted !== secured || (!secured && use.tls === 'required')) return 'nothing'
    if (starttls !== null && !/^220|^[45]/.test(starttls.reply ?? '')) return 'nothing'
  }
  for (let introduced = !use.xclient; !introduced; ) {
    const xclient = said.shift()
    if (xclient === undefined) return 'xclient'
    if (!/^220/.test(xclient.reply ?? '')) return 'nothing'
    introduced = xclient.request.kind === 'line' && / ADDR=/.test(xclient.request.line)
  }
  if (command === null) return 'greets'
  for (const line of [told.hello, told.mail]) {
    if (line === null) continue
    const replayed = said.shift()
    if (replayed === undefined) return { line, isLast: false }
    if (!/^2/.test(replayed.reply ?? '')) return 'nothing'
  }
  return said.length === 0 ? { line: command, isLast: true } : 'nothing'
}

/** The greeting that is the backend's own to the client: of the connection, or of the last XCLIENT. */
export function greetingOf({ exchanges }: BackendView): string | null {
  const greetings = exchanges.filter(
    ({ request }) => request.kind === 'connect' || (request.kind === 'line' && request.verb === 'XCLIENT'),
  )
  return greetings.at(-1)?.reply ?? null
}
