import assert from 'node:assert/strict'
import type { TlsInfo } from '@sallyport/proxy/session/arrival.js'
import type { Ask, Asked, Port, Reached } from '@sallyport/proxy/session/port.js'
import type { Session } from '@sallyport/proxy/session/session.js'
import { BackendView } from './backend-view.ts'
import { type Item, StreamView } from './client-view.ts'
import { checkCommand, checkOpening } from './command-model.ts'
import { checkIdentity } from './identity-model.ts'
import { assertUnlogged, secretsIn, secretsInLine } from './log-model.ts'
import { meet } from './met.ts'
import { greetingOf, nextOf } from './replay.ts'
import { checkReply, type Scene } from './reply-model.ts'
import { Told } from './told.ts'
import { isOfOthers } from './walk-house.ts'

/** One thing that happened, as a row of a transcript. */
export interface Row {
  readonly at: number
  readonly what: string
  readonly text: string
}

/**
 * A port that believes nothing: it reads the client's stream and the backend's as strict servers would, and holds every call of
 * the session against both. So the laws of test/proxy/session/walk.test.ts are checked at each call.
 */
export class Witness implements Port {
  readonly rows: Row[] = []
  readonly client = new StreamView()
  readonly told = new Told()
  backend: BackendView | null = null
  session: Session | null = null
  now = 0
  /** For so long nobody has looked at the deadline, ms. */
  late = 0
  /** Our last word; nothing may follow it. */
  farewell: string | null = null
  closed = false
  isFull = false
  conclusions = 0
  readonly asked: Ask[] = []
  /** The client's name, as the DNS has answered; null: nothing so far. */
  reverseName: string | null = null
  /** Backends that are left to be tried. */
  spares = 0
  /** What the client was given since STARTTLS was passed through. */
  private toClient = ''
  /** Every refusal that a backend has spoken. */
  private readonly refusals = new Set<string>()
  private heard = ''
  /** The backend has taken a message with this, and the client has not heard so. */
  private owed: string | null = null
  private openedIn = -1
  /** The transaction for which a backend that answers for itself was asked for a recipient. */
  private recipientIn = -1
  /** A backend was opened, and no reply of it has been passed on. */
  private opening = false

  /** The session that is watched, before its first input. */
  watch(session: Session): void {
    this.session = session
    this.told.tls = session.arrival.tls !== null
    this.client.passThrough = session.arrival.starttls === 'pass_through'
    this.client.limit = session.house.limits.commandLine
  }

  private get scene(): Scene {
    const { client, backend, told, refusals } = this
    return { session: this.live(), client, backend, told, refusals }
  }

  note(what: string, text: string): void {
    this.rows.push({ at: this.now, what, text })
  }

  send(text: string): void {
    this.note('S~', text)
    assert.ok(!this.closed, 'a word behind the close')
    assert.ok(!['handshake', 'spliced'].includes(this.client.mode), 'a word into TLS that is not ours')
    this.heard += text
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\r\n)*(\d{3})(?: [^\n]*)?\r\n/.exec(this.heard)
      if (whole === null) break
      this.heard = this.heard.slice(whole[0].length)
      this.hear(whole[0], Number(whole[1]))
    }
    assert.match(this.heard, /^(?:220-[^\r\n]*\r\n)?$/, 'no whole reply')
  }

  /** One reply of the gate, which answers the client's oldest unanswered item, or is its last word. */
  private hear(text: string, code: number): void {
    assert.equal(this.farewell, null, 'a reply behind the last word')
    const { client } = this
    if (!client.greeted && code === 220) return this.greeted(text)
    const item = client.greeted ? client.item() : null
    if (item === null) {
      assert.ok(code === 421 || code === 521, `${code} in answer to nothing`)
      this.farewell = text
      return
    }
    const said = this.backend?.answerTo(item) ?? null
    const isOwn = said !== text && !(item.kind === 'line' && item.verb === 'EHLO' && this.backend?.relaying === true)
    checkReply(this.scene, item, text)
    if (text === this.owed && (item.kind === 'message' || item.kind === 'chunk')) this.owed = null
    if (!isOwn) this.passedOn()
    client.answered(item, code)
    this.told.follow(item, text, client, this.backend)
    if (code === 220 && item.kind === 'line' && item.verb === 'STARTTLS') this.leadOver()
  }

  /** STARTTLS was accepted: TLS begins, whoever's it is. */
  private leadOver(): void {
    const { client, backend } = this
    if (client.mode === 'spliced' && backend !== null) backend.mode = 'spliced'
    meet(client.mode === 'spliced' ? 'passed through' : 'STARTTLS accepted')
  }

  private greeted(text: string): void {
    const { client, backend } = this
    client.greeted = true
    if (backend === null) {
      assert.match(text, /^(?:220-mx\.example\.test ESMTP\r\n)?220 mx\.example\.test ESMTP\r\n$/)
      return
    }
    assert.equal(this.next(null), 'greets', 'a greeting out of turn')
    assert.equal(text, greetingOf(backend), "another greeting than the backend's")
    meet('greeted by the backend')
    backend.asked = true
    backend.relaying = true
    this.passedOn()
  }

  /** The client has heard the backend itself. */
  private passedOn(): void {
    this.opening = false
    this.openedIn = -1
  }

  ask(ask: Ask): void {
    this.note('ask', ask)
    this.asked.push(ask)
  }

  open(group: string | null): void {
    this.note('open', group ?? '')
    assert.ok(this.backend === null, 'a second backend')
    checkOpening(this.scene, group)
    const item = this.client.greeted ? this.client.item() : null
    if (item?.kind === 'line' && item.verb === 'RCPT') {
      const { transactions } = this.told
      assert.notEqual(this.openedIn, transactions, 'a second attempt in one transaction')
      assert.notEqual(this.recipientIn, transactions, 'another backend for a transaction that has begun')
      this.openedIn = transactions
    }
    this.opening = true
    this.backend = new BackendView(group)
  }

  /** What a backend that does not answer for itself yet may be told. */
  private next(command: string | null): ReturnType<typeof nextOf> {
    assert.ok(this.backend !== null)
    return nextOf(this.backend, this.told, command)
  }

  command(text: string): void {
    this.note('B>', text.replace('\r\n', ''))
    assert.equal(this.told.mustClose, null)
    const { backend } = this
    assert.ok(backend !== null, 'a command to nobody')
    assert.match(text, /^[\t -~\x80-\xff]*\r\n$/, 'no printable line')
    const line = text.slice(0, -2)
    const item = this.client.greeted ? this.client.item() : null
    if (backend.relaying) this.relays(line, item)
    else this.replays(line, item)
    backend.write(line)
  }

  private replays(line: string, item: Item | null): void {
    const { backend } = this
    const command = item?.kind === 'line' ? item.line : null
    assert.ok(backend !== null && !backend.asked, 'a line behind the command that is not answered')
    const next = this.next(command)
    if (next === 'xclient') {
      const { told, reverseName: name } = this
      const lines = [...backend.lines().filter(said => said.startsWith('XCLIENT ')), line]
      return checkIdentity(lines, { arrival: this.live().arrival, name, hello: told.hello })
    }
    assert.ok(typeof next === 'object', 'told what was not said, or not yet')
    assert.equal(line, next.line, 'told what was not said, or not yet')
    if (!next.isLast) return
    backend.asked = true
    checkCommand(this.scene, line)
  }

  private relays(line: string, item: Item | null): void {
    assert.ok(!this.isFull, 'worked for a client that does not take its replies')
    if (item?.kind === 'response') {
      const isText = /^[\t -~\x80-\xff]*$/.test(item.line)
      const goesOver = isText && item.line.length <= 12_288 && this.told.rounds < 20
      assert.equal(line, goesOver ? item.line : '*', 'another answer in the exchange of AUTH')
      meet(goesOver ? 'answer relayed' : 'answer became a star')
      return
    }
    const { backend, client } = this
    const { chunk } = client
    if (chunk !== null) {
      assert.equal(line.toUpperCase(), `BDAT ${chunk.size}${chunk.last ? ' LAST' : ''}`, 'another chunk')
      assert.equal(this.live().tally.verdict.action, 'none', 'a chunk of a client that has failed')
      return
    }
    assert.ok(item?.kind === 'line', 'a command, and none to answer')
    assert.equal(line, item.line, 'a command that the client did not send')
    checkCommand(this.scene, line)
    if (item.verb !== 'RCPT') return
    const ofOthers = isOfOthers(this.live().house, item.line)
    if (this.told.mail !== null) assert.equal(ofOthers ? 'two' : null, backend?.group, 'a recipient of other servers')
    // One that fails while the backend is opened is refused when that has answered.
    assert.equal(this.live().tally.verdict.action, 'none', 'a recipient of a client that has failed')
    this.recipientIn = this.told.transactions
  }

  message(octets: Uint8Array): void {
    const text = Buffer.from(octets).toString('latin1')
    this.note('B]', text)
    assert.ok(this.backend !== null, 'a message to nobody')
    this.backend.data(text, this.client)
  }

  reopen(): boolean {
    assert.ok(this.opening, 'another backend, and the client has heard this one')
    this.note('reopen', `${this.spares > 0}`)
    if (this.spares === 0) return false
    meet('reopened')
    this.spares--
    this.backend?.leave(this.client)
    this.backend = new BackendView(this.backend?.group ?? null)
    return true
  }

  secureClient(): void {
    this.note('secure', 'client')
    assert.equal(this.client.mode, 'handshake', 'TLS, and the client has heard no 220')
    assert.equal(this.backend, null, 'a backend that has heard the client in the clear')
  }

  secureBackend(): void {
    this.note('secure', 'backend')
    const { backend } = this
    const last = backend?.exchanges.at(-1)
    assert.ok(backend !== null && !backend.relaying, 'TLS in the middle')
    assert.ok(last?.request.kind === 'line' && last.request.line === 'STARTTLS', 'TLS that was not asked for')
    assert.match(last.reply ?? '', /^220/, 'TLS, and the backend has said no 220')
    assert.ok(!backend.ahead, 'TLS, and octets in the clear wait')
    backend.mode = 'handshake'
  }

  octets(octets: Uint8Array): void {
    const text = Buffer.from(octets).toString('latin1')
    this.note('S]', text)
    assert.equal(this.client.mode, 'spliced', 'octets past the gate')
    this.toClient += text
    assert.ok(this.backend?.spoken.startsWith(this.toClient), 'other octets than the backend sent')
  }

  reached(_result: Reached): void {}

  replied(_to: Asked, wait: number): void {
    assert.ok(wait >= 0, `a wait of ${wait}`)
  }

  abandon(): void {
    this.note('abandon', '')
    this.leave()
    this.opening = false
  }

  /** The connection to the backend is no more. */
  leave(): void {
    this.backend?.leave(this.client)
    this.backend = null
  }

  close(): void {
    this.note('close', '')
    assert.ok(!this.closed, 'closed twice')
    this.closed = true
  }

  concluded(session: Session): void {
    this.conclusions++
    assert.equal(session.phase.name, 'done')
    assert.equal(session.journal.accepted, this.told.acknowledged, 'messages that the client has heard 2xx for')
    const { mode, waiting } = this.client
    const item = this.client.item()
    if (item !== null) this.told.secrets.push(...secretsIn(item))
    if (mode === 'command') this.told.secrets.push(...(waiting.match(/^AUTH[ \t].*/gim) ?? []).flatMap(secretsInLine))
    if (this.told.secrets.length > 0) meet('password kept out of the log')
    assertUnlogged(session, this.told.secrets)
  }

  /** Octets of the backend, read here before the session reads them. */
  backendSays(text: string): void {
    const { backend } = this
    if (backend === null) return
    for (const refusal of backend.read(text)) this.refusals.add(refusal)
    this.owed = backend.accepted
    backend.accepted = null
  }

  /** TLS stands with the client. */
  secured(): TlsInfo {
    this.client.mode = 'command'
    this.told.tls = true
    meet('TLS with the client')
    return { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', serverName: null }
  }

  /** What holds between two inputs. */
  settle(): void {
    const session = this.live()
    assert.equal(this.owed, null, 'accepted, and its client has not heard so')
    if (session.isDone) {
      assert.ok(this.closed, 'over, and not closed')
      assert.equal(this.conclusions, 1, 'concluded once')
      assert.ok(this.backend === null, 'over, and the backend still there')
      assert.equal(session.deadline, Number.POSITIVE_INFINITY)
      assert.equal(session.lines.pending, 0, 'over, and octets are still held')
      return
    }
    assert.ok(!this.closed && this.conclusions === 0, 'closed, and not over')
    assert.equal(this.farewell, null, 'a last word, and not over')
    assert.equal(this.told.mustClose, null)
    assert.ok(Number.isFinite(session.deadline), 'waits for ever')
    assert.ok(session.deadline > this.now - this.late, 'a deadline that lies behind')
    const { client, backend } = this
    const isOver = session.clientGone && (client.greeted ? client.item() === null : client.waiting === '')
    assert.ok(!isOver, 'the client has gone, and nothing is left to finish')
    assert.ok(session.lines.pending <= 65_536 + 5_000, 'too much waits')
    if (client.mode === 'handshake') assert.equal(session.lines.pending, 0, 'octets in the clear wait')
    if (client.mode !== 'spliced') return
    assert.equal(backend?.given, client.spliced, 'octets of the client held back')
    assert.equal(this.toClient, backend?.spoken, 'octets of the backend held back')
  }

  live(): Session {
    assert.ok(this.session !== null)
    return this.session
  }

  story(): string {
    return this.rows.map(({ at, what, text }) => `@${at} ${what} ${escaped(text)}`).join('\n')
  }
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('\r', '\\r')
    .replaceAll('\n', '\\n')
    .replaceAll('\0', '\\0')
    .replace(/[^ -~]/g, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
