import assert from 'node:assert/strict'
import type { Session } from '@sallyport/proxy/session/session.js'
import type { Attempts } from './attempts.ts'
import type { BackendView } from './backend-view.ts'
import type { Item, StreamView } from './client-view.ts'
import { checkKeywords } from './ehlo-model.ts'
import { meet } from './met.ts'
import { checkRefusal } from './refusals.ts'
import type { Told } from './told.ts'
import { isOfOthers } from './walk-house.ts'

/** What the gate may answer for itself while no backend does. */
const ownVerbs = ['EHLO', 'HELO', 'MAIL', 'RSET', 'NOOP', 'VRFY', 'HELP', 'QUIT']

/** Both sides of the gate at one moment, and the gate. */
export interface Scene {
  readonly session: Session
  readonly client: StreamView
  readonly backend: BackendView | null
  readonly told: Told
  /** Every refusal that a backend has spoken. */
  readonly refusals: ReadonlySet<string>
  readonly attempts: Attempts
}

/** Fails unless this reply may be given to this item: it is the backend's answer to it, or is the gate's to give. */
export function checkReply(scene: Scene, item: Item, text: string): void {
  const { backend, told, session, attempts } = scene
  if (attempts.isDecoy) return checkLured(scene, item, text)
  const code = Number(text.slice(0, 3))
  const said = backend?.answerTo(item) ?? null
  const verb = item.kind === 'line' ? item.verb : item.kind
  if (verb === 'response' && code !== 421)
    assert.equal(text, said, 'an answer in the exchange of AUTH taken for a command')
  if (said !== null && said !== text) checkReplaced(scene, verb, code, said)
  if (code >= 400) return said === text ? undefined : checkOwn(scene, item, text)
  assert.equal(code === 354, verb === 'DATA', `${code} to ${JSON.stringify(item)}`)
  assert.ok(code !== 334 || verb === 'AUTH' || verb === 'response', `${code} to ${JSON.stringify(item)}`)
  if (verb === 'STARTTLS') return checkStarttls(scene, said, text)
  const standing = { house: session.house, starttls: session.arrival.starttls, tls: told.tls }
  if (verb === 'EHLO') checkKeywords(text, backend?.relaying === true ? (said ?? '') : null, standing)
  if (ownVerbs.includes(verb) && backend?.relaying !== true) {
    if (verb !== 'MAIL') return
    assert.ok(told.hello !== null, 'MAIL accepted, and no hello')
    const { house, arrival, tally } = session
    const isOwn = house.connect === 'rcpt' || arrival.health || tally.verdict.action !== 'none'
    return assert.ok(isOwn, 'MAIL accepted, and its backend was not asked')
  }
  assert.notEqual(said, null, `${code} that the backend never said`)
  // It begins something that must not begin with what was said too early.
  if (code === 354 || code === 334) assert.equal(backend?.ahead, false, `${code}, and a reply to nothing waits`)
  if (verb !== 'EHLO') assert.equal(text, said, `${code} in other words than the backend's`)
}

/** Of one who speaks with the decoy: nothing of its is accepted, and nothing is said in the decoy's words. */
function checkLured({ backend, told, session, refusals }: Scene, item: Item, text: string): void {
  const code = Number(text.slice(0, 3))
  const said = backend?.answerTo(item) ?? null
  const verb = item.kind === 'line' ? item.verb : item.kind
  assert.ok(text === told.declined || !refusals.has(text), "the decoy's own words")
  if (verb === 'message' || verb === 'chunk') {
    meet('message for the decoy refused')
    return assert.ok(code >= 400, 'a message accepted by the decoy')
  }
  if (code === 354 || (verb === 'RCPT' && code < 300))
    assert.equal(said?.slice(0, 1), String(code).slice(0, 1), `${code} that the decoy never said`)
  assert.notEqual(code, 334, 'a login at the decoy')
  if (verb === 'EHLO' && code === 250)
    checkKeywords(text, null, { house: session.house, starttls: session.arrival.starttls, tls: told.tls })
}

/** The backend has answered, and its client hears something else. */
function checkReplaced({ session, attempts, backend }: Scene, verb: string, code: number, said: string): void {
  if (code === 421 || (verb === 'EHLO' && said.startsWith('2') && backend?.relaying === true)) return
  // A client that did not wait for a reply hears what follows of that.
  const { action } = session.tally.verdict
  if (action !== 'none' && (verb === 'STARTTLS' || (verb === 'RCPT' && attempts.isForItem))) return
  if (action === 'drop' && attempts.isForItem) return
  // 354 to VRFY: a backend that is out of its mind gives way to the next, or to none.
  assert.ok(attempts.isForItem && said.startsWith('3') && code === 451, `${code}, where the backend has said ${said}`)
}

/** A refusal that is not the backend's reply to this very item. */
function checkOwn(scene: Scene, item: Item, text: string): void {
  const { session, told, refusals, attempts } = scene
  const isRcpt = item.kind === 'line' && item.verb === 'RCPT'
  // What the backend said on the way to the command, or that there is none to be had.
  if (attempts.isForItem && (refusals.has(text) || text.startsWith('451 4.3.0 Mail system temporarily unavailable')))
    return
  if (isRcpt && told.declined === text) return
  if (text.startsWith('4')) checkDeferral(scene, item, text)
  else checkRefusal(item, text, session, told)
}

/** A 4xx of the gate's own is for a client that has failed, what could not be had, or another server's recipient. */
function checkDeferral({ session, told, backend, attempts }: Scene, item: Item, text: string): void {
  const { action, cause } = session.tally.verdict
  if (action !== 'none' && cause !== null && text.includes(cause.words.text)) return
  if (/^421 /.test(text)) return
  const [verb, line] = item.kind === 'line' ? [item.verb, item.line] : [item.kind, '']
  const isDue =
    (/^451 4\.5\.1 /.test(text) && ['DATA', 'BDAT', 'chunk'].includes(verb)) ||
    (/^451 4\.3\.3 /.test(text) && ['BDAT', 'chunk'].includes(verb) && session.responder?.takesChunks !== true) ||
    (/^454 4\.7\.0 /.test(text) && verb === 'STARTTLS' && action !== 'none') ||
    (/^452 4\.5\.3 /.test(text) &&
      (told.loggedIn || backend?.hasAsked === true) &&
      (isOfOthers(session.house, line) ? 'two' : null) !== attempts.group)
  assert.ok(isDue, `4xx that is not due: ${text.trimEnd()} to ${JSON.stringify(item)}`)
}

function checkStarttls({ session, told, client, backend }: Scene, said: string | null, text: string): void {
  const { arrival, tally } = session
  assert.ok(!told.tls && arrival.starttls !== 'off', 'TLS, and nobody offered it')
  assert.match(client.waiting.split(/\r?\n/, 1)[0] ?? '', /^STARTTLS[ \t]*$/i, 'STARTTLS with an argument')
  if (arrival.starttls !== 'pass_through') return
  assert.equal(text, said, 'passed through, and the backend never said so')
  assert.equal(backend?.ahead, false, 'passed through, and octets in the clear wait')
  assert.equal(tally.verdict.action, 'none', 'a client that has failed passed through')
}
