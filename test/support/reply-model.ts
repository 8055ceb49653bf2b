import assert from 'node:assert/strict'
import type { Session } from '@sallyport/proxy/session/session.js'
import type { BackendView } from './backend-view.ts'
import type { Item, StreamView } from './client-view.ts'
import { checkKeywords } from './ehlo-model.ts'
import { checkRefusal } from './refusals.ts'
import type { Told } from './told.ts'

/** What the gate may answer for itself while no backend does. */
export const ownVerbs = ['EHLO', 'HELO', 'MAIL', 'RSET', 'NOOP', 'VRFY', 'HELP', 'QUIT']

/** Both sides of the gate at one moment, and the gate. */
export interface Scene {
  readonly session: Session
  readonly client: StreamView
  readonly backend: BackendView | null
  readonly told: Told
  /** Every refusal that a backend has spoken. */
  readonly refusals: ReadonlySet<string>
}

/** Fails unless this reply may be given to this item: it is the backend's answer to it, or is the gate's to give. */
export function checkReply(scene: Scene, item: Item, text: string): void {
  const { backend, told, session, refusals } = scene
  const code = Number(text.slice(0, 3))
  const said = backend?.answerTo(item) ?? null
  const verb = item.kind === 'line' ? item.verb : item.kind
  if (verb === 'response' && code !== 421)
    assert.equal(text, said, 'an answer in the exchange of AUTH taken for a command')
  if (code >= 500 && said !== text && !refusals.has(text)) checkRefusal(item, text, session, told)
  if (code >= 400) return
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

function checkStarttls({ session, told, client, backend }: Scene, said: string | null, text: string): void {
  const { arrival, tally } = session
  assert.ok(!told.tls && arrival.starttls !== 'off', 'TLS, and nobody offered it')
  assert.match(client.waiting.split(/\r?\n/, 1)[0] ?? '', /^STARTTLS[ \t]*$/i, 'STARTTLS with an argument')
  if (arrival.starttls !== 'pass_through') return
  assert.equal(text, said, 'passed through, and the backend never said so')
  assert.equal(backend?.ahead, false, 'passed through, and octets in the clear wait')
  assert.equal(tally.verdict.action, 'none', 'a client that has failed passed through')
}
