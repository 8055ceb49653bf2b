import assert from 'node:assert/strict'
import type { BackendView } from './backend-view.ts'
import type { Item } from './client-view.ts'
import { checkCommand } from './command-model.ts'
import { checkIdentity } from './identity-model.ts'
import { meet } from './met.ts'
import { nextOf } from './replay.ts'
import type { Scene } from './reply-model.ts'
import { isOfOthers } from './walk-house.ts'

/** A scene with a backend that is being opened. */
interface Introduction extends Scene {
  readonly backend: BackendView
  /** The client's name, as the DNS has answered; null: nothing so far. */
  readonly reverseName: string | null
}

/** A line to a backend that does not answer for itself yet: who the client is, what it has said, and what it waits for. */
export function checkReplayed(scene: Introduction, line: string, item: Item | null): void {
  const { backend, session, told, reverseName: name } = scene
  assert.ok(!backend.asked, 'a line behind the command that is not answered')
  const next = nextOf(backend, told, item?.kind === 'line' ? item.line : null)
  if (next === 'xclient') {
    const lines = [...backend.lines().filter(said => said.startsWith('XCLIENT ')), line]
    if (line.includes(' ADDR=')) meet('client told by XCLIENT')
    return checkIdentity(lines, { arrival: session.arrival, name, hello: told.hello })
  }
  assert.ok(typeof next === 'object', 'told what was not said, or not yet')
  assert.equal(line, next.line, 'told what was not said, or not yet')
  if (!next.isLast) return
  backend.asked = true
  checkCommand(scene, line)
}

/** A line to a backend that answers for itself: it is the client's own. */
export function checkRelayed(scene: Scene, line: string, item: Item | null): void {
  const { session, client, told, attempts, backend } = scene
  const { action } = session.tally.verdict
  const { chunk } = client
  if (item?.kind === 'response') return checkResponse(item.line, line, told.rounds)
  if (chunk !== null) {
    assert.equal(line.toUpperCase(), `BDAT ${chunk.size}${chunk.last ? ' LAST' : ''}`, 'another chunk')
    // A message is not deferred in its midst, nor for what it is itself: it would be the same when it came again.
    const isSame = action === 'defer' && (chunk.last || backend?.midMessage === true)
    assert.ok(isSame || told.mayWrite(action), 'a chunk of a client that has failed')
    return
  }
  assert.ok(item?.kind === 'line', 'a command, and none to answer')
  assert.equal(line, item.line, 'a command that the client did not send')
  checkCommand(scene, line)
  if (item.verb !== 'RCPT') return
  const group = isOfOthers(session.house, line) ? 'two' : null
  if (attempts.isDecoy) return attempts.recipient(told.transactions)
  if (told.mail !== null) assert.equal(group, attempts.group, 'a recipient of other servers')
  // One that fails while the backend is opened is refused when that has answered.
  assert.ok(told.mayEnter(action, line), 'a recipient of a client that has failed')
  attempts.recipient(told.transactions)
}

/** An answer in the exchange of AUTH goes over as it is, or as the star that ends it (RFC 4954 4). */
function checkResponse(sent: string, line: string, rounds: number): void {
  const isText = /^[\t -~\x80-\xff]*$/.test(sent)
  const goesOver = isText && sent.length <= 12_288 && rounds < 20
  assert.equal(line, goesOver ? sent : '*', 'another answer in the exchange of AUTH')
  meet(goesOver ? 'answer relayed' : 'answer became a star')
}
