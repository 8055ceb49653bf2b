import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import type { TlsInfo } from '@sallyport/proxy/session/arrival.js'
import type { Ask, Asked, Port, Reached } from '@sallyport/proxy/session/port.js'
import type { Session } from '@sallyport/proxy/session/session.js'
import { BackendView } from './backend-view.ts'
import { type Item, isUnusable, StreamView } from './client-view.ts'
import { checkKeywords, mayLogIn, type Standing } from './ehlo-model.ts'
import { assertUnlogged, secretsIn, secretsInLine } from './log-model.ts'
import { checkRefusal } from './refusals.ts'
import { greetingOf, nextOf } from './replay.ts'
import { isOfOthers } from './walk-house.ts'

/** One thing that happened, as a row of a transcript. */
export interface Row {
  readonly at: number
  readonly what: string
  readonly text: string
}

/** Verbs that no client's line may carry to a backend. */
const forbidden = /^(?:XCLIENT|XFORWARD|X-CONNECT|PROXY|TURN|ATRN|XTURN|BURL|XEXCH50|X-LINK2STATE|X-EXPS)(?:[ \t]|$)/i

/** What the gate may answer for itself while no backend does. */
const ownVerbs = ['EHLO', 'HELO', 'MAIL', 'RSET', 'NOOP', 'VRFY', 'HELP', 'QUIT']

/**
 * A port that believes nothing: it reads the client's stream and the backend's as strict servers would, and holds every call of
 * the session against both. So the laws of test/proxy/session/walk.test.ts are checked at each call.
 */
export class Witness implements Port {
  readonly rows: Row[] = []
  readonly client = new StreamView()
  backend: BackendView | null = null
  session: Session | null = null
  now = 0
  /** For so long nobody has looked at the deadline, ms. */
  late = 0
  /** Our last word; nothing may follow it. */
  farewell: string | null = null
  /** Why the session may not go on behind the input being worked off. */
  mustClose: string | null = null
  closed = false
  isFull = false
  conclusions = 0
  readonly asked: Ask[] = []
  /** Backends that are left to be tried. */
  spares = 0
  tls = false
  /** Whom to tell what has been met. */
  meet: (what: string) => void = () => {}
  private acknowledged = 0
  /** What the client was given since STARTTLS was passed through. */
  private toClient = ''
  private readonly secrets: string[] = []
  /** Every refusal that a backend has spoken. */
  private readonly refusals = new Set<string>()
  private heard = ''
  private hello: string | null = null
  private mail: string | null = null
  /** The chunks of the message in progress, as the client sent them. */
  private chunks = ''
  private loggedIn = false
  /** Answers in the present exchange of AUTH. */
  private rounds = 0
  /** How often a transaction has begun or ended. */
  private transactions = 0
  private openedIn = -1
  /** The transaction for which a backend that answers for itself was asked for a recipient. */
  private recipientIn = -1
  /** A backend was opened, and no reply of it has been passed on. */
  private opening = false

  /** The session that is watched, before its first input. */
  watch(session: Session): void {
    this.session = session
    this.tls = session.arrival.tls !== null
    this.client.passThrough = session.arrival.starttls === 'pass_through'
    this.client.limit = session.house.limits.commandLine
  }

  private get standing(): Standing {
    const { house, arrival } = this.live()
    return { house, starttls: arrival.starttls, tls: this.tls }
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
    this.weigh(item, text, code, said)
    if (!isOwn) this.passedOn()
    this.secrets.push(...secretsIn(item))
    client.answered(item, code)
    if (code === 421) this.mustClose = '421'
    if (isUnusable(item)) this.mustClose = 'octets behind an unusable count'
    this.follow(item, text, code)
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
    this.meet('greeted by the backend')
    backend.asked = true
    backend.relaying = true
    this.passedOn()
  }

  /** The client has heard the backend itself. */
  private passedOn(): void {
    this.opening = false
    this.openedIn = -1
  }

  /** What the reply to an item makes of the client's state. */
  private follow(item: Item, text: string, code: number): void {
    const { client } = this
    const good = code >= 200 && code < 300
    if (item.kind === 'message' || item.kind === 'chunk') return this.followMessage(item, good)
    if (item.kind === 'response') {
      this.rounds++
      this.meet(code === 334 ? 'next round of AUTH' : good ? 'logged in by an answer' : 'login refused')
      this.loggedIn ||= good
      return
    }
    const { verb } = item
    const isData = verb === 'DATA' && item.line.length <= client.limit
    if (isData && code !== 354 && client.hasTalk()) this.mustClose = 'octets behind a refused DATA'
    if (verb === 'AUTH') {
      this.rounds = 0
      this.loggedIn ||= good
      if (good) this.meet('logged in at once')
    }
    if (verb === 'STARTTLS' && code === 220) this.forget()
    if (forbidden.test(item.line)) this.meet('forbidden verb refused')
    if (text.startsWith('452 4.5.3 Error: too many')) this.meet('recipient of another group put off')
    if (code === 553) this.meet('address of 8 bit refused')
    if (!good || !['EHLO', 'HELO', 'MAIL', 'RSET'].includes(verb)) return
    this.transactions++
    this.chunks = ''
    this.mail = verb === 'MAIL' ? item.line : null
    if (verb === 'EHLO' || verb === 'HELO') this.hello = item.line
  }

  private followMessage(item: Item & { readonly kind: 'message' | 'chunk' }, good: boolean): void {
    const { backend } = this
    // What never came to a backend changes nothing but what the client has heard.
    const swallowed = item.kind === 'chunk' && backend?.exchanges.at(-1)?.request.kind !== 'chunk'
    const isOver = item.kind === 'message' || (!swallowed && (item.last || !good))
    if (item.kind === 'chunk') {
      this.meet(swallowed ? 'chunk swallowed' : isOver ? 'last chunk answered' : 'chunk answered')
      if (item.size === 0) this.meet('chunk of no octets')
      // A message with a hole in it is another message.
      if (swallowed && backend?.midMessage === true) this.mustClose = 'a chunk of a message was swallowed'
      if (!swallowed) this.chunks += item.content
    }
    if (!isOver) return
    if (good) this.acknowledged++
    this.mail = null
    this.chunks = ''
    this.transactions++
  }

  /** TLS begins on the client's side: nothing of what was said before counts (RFC 3207 4.2). */
  private forget(): void {
    this.hello = null
    this.mail = null
    this.chunks = ''
    this.loggedIn = false
    this.transactions++
    if (this.client.mode === 'spliced' && this.backend !== null) this.backend.mode = 'spliced'
    this.meet(this.client.mode === 'spliced' ? 'passed through' : 'STARTTLS accepted')
  }

  private weigh(item: Item, text: string, code: number, said: string | null): void {
    const { backend } = this
    const verb = item.kind === 'line' ? item.verb : item.kind
    if (verb === 'response' && code !== 421)
      assert.equal(text, said, 'an answer in the exchange of AUTH taken for a command')
    if (code >= 500) {
      const due = { mail: this.mail, chunks: this.chunks, tls: this.tls }
      if (said !== text && !this.refusals.has(text)) checkRefusal(item, text, this.live(), due)
      return
    }
    if (code >= 400) return
    assert.equal(code === 354, verb === 'DATA', `${code} to ${JSON.stringify(item)}`)
    assert.ok(code !== 334 || verb === 'AUTH' || verb === 'response', `${code} to ${JSON.stringify(item)}`)
    if (verb === 'STARTTLS') return this.weighStarttls(said, text)
    if (verb === 'EHLO') checkKeywords(text, backend?.relaying === true ? (said ?? '') : null, this.standing)
    if (ownVerbs.includes(verb) && backend?.relaying !== true) {
      assert.ok(verb !== 'MAIL' || this.hello !== null, 'MAIL accepted, and no hello')
      return
    }
    assert.notEqual(said, null, `${code} that the backend never said`)
    // It begins something that must not begin with what was said too early.
    if (code === 354 || code === 334) assert.equal(backend?.ahead, false, `${code}, and a reply to nothing waits`)
    if (verb !== 'EHLO') assert.equal(text, said, `${code} in other words than the backend's`)
  }

  private weighStarttls(said: string | null, text: string): void {
    const { starttls } = this.live().arrival
    assert.ok(!this.tls && starttls !== 'off', 'TLS, and nobody offered it')
    assert.equal(
      /^STARTTLS[ \t]*$/i.test(this.client.waiting.split(/\r?\n/, 1)[0] ?? ''),
      true,
      'STARTTLS with an argument',
    )
    if (starttls !== 'pass_through') return
    assert.equal(text, said, 'passed through, and the backend never said so')
    assert.equal(this.backend?.ahead, false, 'passed through, and octets in the clear wait')
    assert.equal(this.live().tally.verdict.action, 'none', 'a client that has failed passed through')
  }

  ask(ask: Ask): void {
    this.note('ask', ask)
    this.asked.push(ask)
  }

  open(group: string | null): void {
    this.note('open', group ?? '')
    assert.ok(this.backend === null, 'a second backend')
    assert.ok(!this.loggedIn, 'another backend for a client that is logged in')
    const item = this.client.greeted ? this.client.item() : null
    assert.ok(item === null ? !this.client.greeted : item.kind === 'line', 'a backend for what is no command')
    const verb = item?.kind === 'line' ? item.verb : 'greeting'
    this.mayOpen(verb)
    assert.equal(
      group,
      verb === 'RCPT' && item?.kind === 'line' && isOfOthers(this.live().house, item.line) ? 'two' : null,
    )
    if (verb === 'RCPT') {
      assert.notEqual(this.openedIn, this.transactions, 'a second attempt in one transaction')
      assert.notEqual(this.recipientIn, this.transactions, 'another backend for a transaction that has begun')
      this.openedIn = this.transactions
    }
    this.meet(
      `opened for ${ownVerbs.includes(verb) || /^(?:RCPT|AUTH|ETRN|STARTTLS|EXPN|greeting)$/.test(verb) ? verb : 'another verb'}`,
    )
    if (group !== null) this.meet('opened the other group')
    this.opening = true
    this.backend = new BackendView()
  }

  /** Which commands open a backend, and for whom. */
  private mayOpen(verb: string): void {
    const { house, arrival, tally } = this.live()
    assert.ok(!arrival.health || verb === 'RCPT' || verb === 'AUTH', 'a backend for a probe')
    assert.ok(verb === 'greeting' || this.hello !== null || this.mail !== null, 'a backend before hello')
    const early = arrival.starttls === 'required' && !this.tls && verb !== 'greeting'
    assert.ok(!early, 'a backend before TLS')
    if (verb === 'AUTH') return assert.ok(mayLogIn(this.standing), 'a login of one who may not')
    assert.equal(tally.verdict.action, 'none', 'a backend for a client that has failed')
    if (verb === 'greeting') assert.equal(house.connect, 'greeting')
    if (verb === 'MAIL') assert.notEqual(house.connect, 'rcpt')
    if (verb === 'STARTTLS') assert.equal(arrival.starttls, 'pass_through')
    assert.ok(!['', 'EHLO', 'HELO', 'DATA', 'BDAT', 'RSET', 'NOOP', 'QUIT'].includes(verb), `a backend for ${verb}`)
  }

  /** What a backend that does not answer for itself yet may be told. */
  private next(command: string | null): ReturnType<typeof nextOf> {
    assert.ok(this.backend !== null)
    return nextOf(this.backend, { hello: this.hello, mail: this.mail, command })
  }

  command(text: string): void {
    this.note('B>', text.replace('\r\n', ''))
    assert.equal(this.mustClose, null)
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
    if (next === 'xclient') return assert.ok(/^XCLIENT .{0,502}$/.test(line), 'no XCLIENT where it is due')
    assert.ok(typeof next === 'object', 'told what was not said, or not yet')
    assert.equal(line, next.line, 'told what was not said, or not yet')
    if (!next.isLast) return
    backend.asked = true
    this.maySay(line)
  }

  private relays(line: string, item: Item | null): void {
    if (item?.kind === 'response') {
      const isText = /^[\t -~\x80-\xff]*$/.test(item.line)
      const goesOver = isText && item.line.length <= 12_288 && this.rounds < 20
      assert.equal(line, goesOver ? item.line : '*', 'another answer in the exchange of AUTH')
      this.meet(goesOver ? 'answer relayed' : 'answer became a star')
      return
    }
    if (this.client.chunk !== null) {
      assert.match(line, /^BDAT /i)
      assert.equal(this.live().tally.verdict.action, 'none', 'a chunk of a client that has failed')
      return
    }
    assert.ok(item?.kind === 'line', 'a command, and none to answer')
    assert.equal(line, item.line, 'a command that the client did not send')
    this.maySay(line)
    if (item.verb !== 'RCPT') return
    // One that fails while the backend is opened is refused when that has answered.
    assert.equal(this.live().tally.verdict.action, 'none', 'a recipient of a client that has failed')
    this.recipientIn = this.transactions
  }

  /** What no client's command may be, in any phase. */
  private maySay(line: string): void {
    const { house, arrival } = this.live()
    const isAuth = /^AUTH[ \t]/i.test(line)
    assert.ok(line.length <= (isAuth ? 12_288 : house.limits.commandLine), 'a line over the limit')
    assert.doesNotMatch(line, forbidden, "a verb that is the gate's")
    assert.ok(this.tls || arrival.starttls !== 'required' || /^(?:EHLO|HELO|NOOP|QUIT)/i.test(line), 'before TLS')
    if (isAuth) assert.ok(mayLogIn(this.standing), 'a login of one who may not')
    if (/^STARTTLS(?:[ \t]|$)/i.test(line)) assert.equal(arrival.starttls, 'pass_through', 'TLS that is ours')
    const isPath = /^(?:MAIL|RCPT)(?:[ \t]|$)/i.test(line)
    if (isPath && /[\x80-\xff]/.test(line)) {
      const mail = /^MAIL/i.test(line) ? line : (this.mail ?? '')
      assert.match(mail, /[ \t]SMTPUTF8(?:[ \t]|$)/i, 'an address of 8 bit')
      assert.ok(isUtf8(Buffer.from(line, 'latin1')), 'an address that is not UTF-8')
      this.meet('address in UTF-8 relayed')
    }
    if (/^RCPT/i.test(line) && house.recipientDomains !== null)
      assert.match(line, /^RCPT TO:\s*<?(?:[a-z\x80-\xff]+@example\.test|postmaster)>?(?: [A-Z][A-Z\d-]*(?:=\S+)?)*$/i)
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
    this.meet('reopened')
    this.spares--
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
    assert.equal(session.journal.accepted, this.acknowledged, 'messages that the client has heard 2xx for')
    const { mode, waiting } = this.client
    const item = this.client.item()
    if (item !== null) this.secrets.push(...secretsIn(item))
    if (mode === 'command') this.secrets.push(...(waiting.match(/^AUTH[ \t].*/gim) ?? []).flatMap(secretsInLine))
    if (this.secrets.length > 0) this.meet('password kept out of the log')
    assertUnlogged(session, this.secrets)
  }

  /** Octets of the backend, read here before the session reads them. */
  backendSays(text: string): void {
    for (const refusal of this.backend?.read(text) ?? []) this.refusals.add(refusal)
  }

  /** TLS stands with the client. */
  secured(): TlsInfo {
    this.client.mode = 'command'
    this.tls = true
    this.meet('TLS with the client')
    return { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', serverName: null }
  }

  /** What holds between two inputs. */
  settle(): void {
    const session = this.live()
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
    assert.equal(this.mustClose, null)
    assert.ok(Number.isFinite(session.deadline), 'waits for ever')
    assert.ok(session.deadline > this.now - this.late, 'a deadline that lies behind')
    const { client, backend } = this
    const isOver = session.clientGone && client.greeted && client.item() === null
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
