import assert from 'node:assert/strict'
import type { TlsInfo } from '@sallyport/proxy/session/arrival.js'
import type { Ask, Asked, Port, Reached } from '@sallyport/proxy/session/port.js'
import type { Session } from '@sallyport/proxy/session/session.js'
import { Attempts } from './attempts.ts'
import { BackendView } from './backend-view.ts'
import { StreamView } from './client-view.ts'
import { checkOpening } from './command-model.ts'
import { checkRelayed, checkReplayed } from './line-model.ts'
import { assertUnlogged, secretsIn, secretsInLine } from './log-model.ts'
import { meet } from './met.ts'
import { greetingOf, nextOf } from './replay.ts'
import { checkReply, type Scene } from './reply-model.ts'
import { Story } from './story.ts'
import { Told } from './told.ts'

/**
 * A port that believes nothing: it reads the client's stream and the backend's as strict servers would, and holds every call of
 * the session against both. So the laws of test/proxy/session/walk.test.ts are checked at each call.
 */
export class Witness extends Story implements Port {
  readonly client = new StreamView()
  readonly told = new Told()
  readonly attempts = new Attempts()
  backend: BackendView | null = null
  session: Session | null = null
  /** For so long nobody has looked at the deadline, ms. */
  late = 0
  /** Our last word; nothing may follow it. */
  farewell: string | null = null
  closed = false
  /** Nobody is left to answer: the client's connection broke. */
  isBroken = false
  /** The backend was let go while it had an item of the client's to answer. */
  private isCutShort = false
  isFull = false
  /** There is a place in the trap. */
  hasPlace = false
  /** The client is in it: it is answered an octet at a time, and to no end. */
  isTrapped = false
  conclusions = 0
  readonly asked: Ask[] = []
  /** The client's name, as the DNS has answered; null: nothing so far. */
  reverseName: string | null = null
  /** What the client was given since STARTTLS was passed through. */
  private toClient = ''
  /** Every refusal that a backend has spoken. */
  private readonly refusals = new Set<string>()
  private heard = ''
  /** The client had failed when it heard 354: its message is for nobody. */
  private hasAskedLists = false
  private isBarred = false
  /** The backend has taken a message with this, and the client has not heard so. */
  private owed: string | null = null

  /** The session that is watched, before its first input. */
  watch(session: Session): void {
    this.session = session
    this.told.tls = session.arrival.tls !== null
    this.client.passThrough = session.arrival.starttls === 'pass_through'
    this.client.limit = session.house.limits.commandLine
  }

  private get scene(): Scene {
    const { client, backend, told, refusals, attempts } = this
    return { session: this.live(), client, backend, told, refusals, attempts }
  }

  send(text: string): void {
    this.note('S~', text)
    assert.ok(!this.closed, 'a word behind the close')
    assert.ok(!['handshake', 'spliced'].includes(this.client.mode), 'a word into TLS that is not ours')
    if (this.isTrapped) return this.dribble(text)
    this.heard += text
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\r\n)*(\d{3})(?: [^\n]*)?\r\n/.exec(this.heard)
      if (whole === null) break
      this.heard = this.heard.slice(whole[0].length)
      this.hear(whole[0], Number(whole[1]))
    }
    const isByLine = this.session?.phase.name === 'lines'
    assert.match(this.heard, isByLine ? /^(?:(?:220|250)-[^\r\n]*\r\n)*$/ : /^(?:220-[^\r\n]*\r\n)?$/, 'no whole reply')
    if (isByLine) meet('said line by line')
  }

  /** Octets to a trapped client: of replies that take nothing, or of the word that lets it go. */
  private dribble(text: string): void {
    assert.equal(this.farewell, null, 'an octet behind the last word')
    this.heard += text
    if (!this.heard.endsWith('\n')) return
    meet('answered in the trap')
    // It may come in the middle of a reply.
    if (/421 4\.\d\.\d [^\r\n]*\r\n$/.test(this.heard)) this.farewell = this.heard
    else
      assert.match(
        this.heard,
        /^(?:220 mx\.example\.test ESMTP|250 (?:mx\.example\.test|2\.[01]\.0 Ok)|221 [^\r\n]*|5\d\d [^\r\n]*)\r\n$/,
      )
    this.heard = ''
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
      if (this.refusals.has(text)) meet('left by the backend with 421')
      return
    }
    const said = this.backend?.answerTo(item) ?? null
    const isOwn = said !== text && !(item.kind === 'line' && item.verb === 'EHLO' && this.backend?.relaying === true)
    checkReply(this.scene, item, text)
    if (this.live().clientGone && said === text) meet('answered with half of it closed')
    if (text === this.owed && (item.kind === 'message' || item.kind === 'chunk')) this.owed = null
    if (!isOwn) this.attempts.heard()
    if (code === 354) this.isBarred = !this.attempts.isDecoy && !this.told.mayWrite(this.live().tally.verdict.action)
    client.answered(item, code)
    if (this.attempts.isForItem && isOwn && code >= 400 && item.kind === 'line' && item.verb === 'RCPT')
      this.told.declined = text
    this.told.follow(item, text, { client, backend: this.backend, said })
    this.backend?.pass()
    this.attempts.isForItem = false
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
    this.attempts.isForItem = false
    if (backend === null) {
      assert.match(text, /^(?:220-mx\.example\.test ESMTP\r\n)?220 mx\.example\.test ESMTP\r\n$/)
      return
    }
    assert.equal(nextOf(backend, this.told, null), 'greets', 'a greeting out of turn')
    assert.equal(text, greetingOf(backend), "another greeting than the backend's")
    meet('greeted by the backend')
    backend.asked = true
    backend.relaying = true
    this.attempts.heard()
  }

  ask(ask: Ask): void {
    this.note('ask', ask)
    this.asked.push(ask)
    this.hasAskedLists ||= ask === 'dnsbl'
  }

  open(group: string | null): void {
    this.note('open', group ?? '')
    assert.ok(!this.isTrapped, 'a backend for one in the trap')
    assert.ok(this.backend === null, 'a second backend')
    checkOpening(this.scene, group)
    const item = this.client.greeted ? this.client.item() : null
    const isRcpt = item?.kind === 'line' && item.verb === 'RCPT'
    // Whom the client's failure takes nothing from may come behind one whose backend was let go for it.
    this.attempts.open(group, isRcpt && !this.told.isPardoned ? this.told.transactions : null)
    this.backend = new BackendView()
  }

  command(text: string): void {
    this.note('B>', text.replace('\r\n', ''))
    assert.equal(this.told.mustClose, null, `goes on behind ${this.told.mustClose}`)
    const { backend } = this
    assert.ok(backend !== null, 'a command to nobody')
    assert.match(text, /^[\t -~\x80-\xff]*\r\n$/, 'no printable line')
    const line = text.slice(0, -2)
    const item = this.client.greeted ? this.client.item() : null
    const { scene, reverseName } = this
    if (backend.relaying) {
      assert.ok(!this.isFull, 'worked for a client that does not take its replies')
      checkRelayed(scene, line, item)
    } else checkReplayed({ ...scene, backend, reverseName }, line, item)
    backend.write(line)
  }

  message(octets: Uint8Array): void {
    const text = Buffer.from(octets).toString('latin1')
    this.note('B]', text)
    assert.ok(this.backend !== null, 'a message to nobody')
    assert.ok(this.backend.mode !== 'message' || !this.isBarred, 'a message of a client that has failed')
    this.backend.data(text, this.client)
  }

  trap(suspicion: number): boolean {
    this.note('trap', `${suspicion}`)
    assert.ok(!this.isTrapped, 'trapped twice')
    assert.equal(this.backend, null, 'a backend behind the trap')
    assert.equal(this.live().tally.verdict.action, 'trap', 'trapped, and no check wants it')
    meet(this.hasPlace ? 'trapped' : 'no place in the trap')
    this.isTrapped = this.hasPlace
    if (this.isTrapped) this.heard = ''
    return this.hasPlace
  }

  trapped(): void {}

  reopen(): boolean {
    const another = this.attempts.reopen()
    this.note('reopen', `${another}`)
    if (!another) return false
    this.backend?.leave(this.client)
    this.backend = new BackendView()
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
    this.isCutShort = this.backend?.relaying === true && this.backend.outstanding !== null
    this.leave()
    this.attempts.abandoned()
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
    const isHalfClosed = session.journal.ending === 'hangup' && !this.isBroken
    assert.ok(!isHalfClosed || !this.isCutShort, 'a client that has closed its half, and was owed a reply')
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
    // What a decoy says it has, nobody has.
    this.owed = this.attempts.isDecoy ? null : backend.accepted
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
    assert.equal(this.told.mustClose, null, `goes on behind ${this.told.mustClose}`)
    assert.ok(Number.isFinite(session.deadline), 'waits for ever')
    assert.ok(session.deadline > this.now - this.late, 'a deadline that lies behind')
    assert.ok(session.deadline <= this.now + 600_000, 'a deadline beyond the longest that there is')
    assert.ok(!this.isIdle, 'an item of the client that nobody works on')
    const { client, backend } = this
    const isOver = session.clientGone && (client.greeted ? client.item() === null : client.waiting === '')
    assert.ok(!isOver, 'the client has gone, and nothing is left to finish')
    assert.ok(session.lines.pending <= (this.isTrapped ? 1_024 + 4_096 : 65_536 + 5_000), 'too much waits')
    if (client.mode === 'handshake') assert.equal(session.lines.pending, 0, 'octets in the clear wait')
    if (client.mode !== 'spliced') return
    assert.equal(backend?.given, client.spliced, 'octets of the client held back')
    assert.equal(this.toClient, backend?.spoken, 'octets of the backend held back')
  }

  /** The client has sent something whole, takes its replies, and there is nobody but the session itself to wait for. */
  private get isIdle(): boolean {
    const { client, backend } = this
    if (!client.greeted || this.isFull || client.item() === null || this.isTrapped) return false
    if (this.live().phase.name === 'lines') return this.live().deadline > this.now + 500
    if (this.live().phase.name === 'hold') return !this.mayHold
    if (backend === null || backend.use === null || backend.mode === 'handshake') return backend === null
    const lacksName = backend.use.xclient && this.reverseName === null && !backend.asked
    return backend.outstanding === null && !lacksName
  }

  /** A recipient waits while a list that could decide has not answered, and for no longer than the time for that. */
  private get mayHold(): boolean {
    const session = this.live()
    const item = this.client.item()
    const asked = this.hasAskedLists && session.deadline <= this.now + session.house.waits.answers
    return asked && item?.kind === 'line' && item.verb === 'RCPT'
  }

  live(): Session {
    assert.ok(this.session !== null)
    return this.session
  }
}
