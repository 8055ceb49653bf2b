import assert from 'node:assert/strict'
import type { Ask, Asked, Port, Reached } from '@sallyport/proxy/session/port.js'
import type { Session } from '@sallyport/proxy/session/session.js'
import { BackendView } from './backend-view.ts'
import { type Item, StreamView } from './client-view.ts'
import { checkRefusal } from './refusals.ts'

/** One thing that happened, as a row of a transcript. */
export interface Row {
  readonly at: number
  readonly what: string
  readonly text: string
}

/**
 * A port that believes nothing: it reads the client's stream and the backend's as a strict server of RFC 5321 would, and
 * holds every call of the session against both. So the laws of test/proxy/session/walk.test.ts are checked at each call.
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
  acknowledged = 0
  /** Every refusal that a backend has spoken. */
  private readonly refusals = new Set<string>()
  private heard = ''
  private hello: string | null = null
  private mail: string | null = null
  /** How often a transaction has begun or ended. */
  private transactions = 0
  private openedIn = -1

  note(what: string, text: string): void {
    this.rows.push({ at: this.now, what, text })
  }

  send(text: string): void {
    this.note('S~', text)
    assert.ok(!this.closed, 'a word behind the close')
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
    if (!client.greeted && code === 220) {
      client.greeted = true
      return
    }
    const item = client.greeted ? client.item() : null
    if (item === null) {
      assert.ok(code === 421 || code === 521, `${code} in answer to nothing`)
      this.farewell = text
      return
    }
    this.weigh(item, text, code)
    client.answered(item, code)
    if (code === 421) this.mustClose = '421'
    if (item.kind === 'message') return
    const isData = item.verb === 'DATA' && item.line.length <= this.live().house.limits.commandLine
    if (isData && code !== 354 && client.hasTalk()) this.mustClose = 'octets behind a refused DATA'
    if (code !== 250 || !['EHLO', 'HELO', 'MAIL', 'RSET'].includes(item.verb)) return
    this.transactions++
    this.mail = item.verb === 'MAIL' ? item.line : null
    if (item.verb === 'EHLO' || item.verb === 'HELO') this.hello = item.line
  }

  private weigh(item: Item, text: string, code: number): void {
    const said = this.backend?.answerTo(item) ?? null
    if (code >= 500) {
      if (said !== text && !this.refusals.has(text)) checkRefusal(item, text, this.live(), this.mail)
      return
    }
    if (code >= 400) return
    const isData = item.kind === 'line' && item.verb === 'DATA'
    assert.equal(code === 354, isData, `${code} to ${JSON.stringify(item)}`)
    if (item.kind === 'message') this.acknowledged++
    const own =
      item.kind === 'line' && ['EHLO', 'HELO', 'MAIL', 'RSET', 'NOOP', 'VRFY', 'HELP', 'QUIT'].includes(item.verb)
    if (own && this.backend?.relaying !== true) return
    assert.notEqual(said, null, `${code} that the backend never said`)
    if (item.kind === 'line' && item.verb === 'EHLO') checkKeywords(text, said ?? '')
    else assert.equal(text, said, `${code} in other words than the backend's`)
  }

  ask(ask: Ask): void {
    this.note('ask', ask)
    this.asked.push(ask)
  }

  open(): void {
    this.note('open', '')
    assert.ok(this.backend === null, 'a second backend')
    const item = this.client.item()
    assert.ok(item?.kind === 'line' && item.verb === 'RCPT', 'a backend for something else than RCPT')
    assert.notEqual(this.openedIn, this.transactions, 'a second attempt in one transaction')
    this.openedIn = this.transactions
    this.backend = new BackendView()
  }

  command(text: string): void {
    this.note('B>', text.replace('\r\n', ''))
    assert.equal(this.mustClose, null)
    const { backend } = this
    assert.ok(backend !== null, 'a command to nobody')
    const own = text.startsWith('XCLIENT ')
    const limit = own ? 510 : this.live().house.limits.commandLine
    assert.match(text, /^[\t -~\x80-\xff]+\r\n$/, 'no printable line')
    assert.ok(text.length <= limit + 2, 'a line over the limit')
    const line = text.slice(0, -2)
    const item = this.client.item()
    assert.ok(item?.kind === 'line', 'a command, and none to answer')
    if (own) {
      assert.ok(this.live().house.xclient && backend.lines().every(said => said.startsWith('XCLIENT ')), 'XCLIENT')
    } else if (!backend.relaying) {
      assert.ok(backend.lastWasGood(), 'went on although it was refused')
      const replayed = backend.lines().filter(said => !said.startsWith('XCLIENT ')).length
      assert.equal(line, [this.hello, this.mail, item.line][replayed], 'replayed what was not said')
    } else assert.equal(line, item.line, 'a command that the client did not send')
    if (item.verb === 'RCPT' && line.startsWith('RCPT')) this.mayGoOn(line, backend.relaying)
    backend.write({ kind: 'line', line, verb: line.slice(0, 4).toUpperCase() })
  }

  /** A recipient goes to the backend only if it is one of ours, and the client one of the good. */
  private mayGoOn(line: string, relaying: boolean): void {
    const { house, tally } = this.live()
    // One that fails while the backend is opened is refused when that has answered.
    if (relaying) assert.equal(tally.verdict.action, 'none', 'a recipient of a client that has failed')
    if (house.recipientDomains !== null)
      assert.match(line, /^RCPT TO:\s*<?(?:[a-z]+@example\.test|postmaster)>?(?: [A-Z]+(?:=\S+)?)*$/i)
  }

  message(octets: Uint8Array): void {
    const text = Buffer.from(octets).toString('latin1')
    this.note('B]', text)
    assert.ok(this.backend !== null, 'a message to nobody')
    this.backend.data(text, this.client)
  }

  reopen(): boolean {
    return false
  }

  secureClient(): void {
    assert.fail('TLS, and nobody offered it')
  }

  secureBackend(): void {
    assert.fail('TLS, and nobody asked for it')
  }

  octets(_octets: Uint8Array): void {
    assert.fail('octets past the gate')
  }

  reached(_result: Reached): void {}

  replied(_to: Asked, wait: number): void {
    assert.ok(wait >= 0, `a wait of ${wait}`)
  }

  abandon(): void {
    this.note('abandon', '')
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
  }

  /** Octets of the backend, read here before the session reads them. */
  backendSays(text: string): void {
    for (const refusal of this.backend?.read(text) ?? []) this.refusals.add(refusal)
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
    assert.ok(!session.clientGone || this.client.item() !== null, 'the client has gone, and nothing is left to finish')
    assert.ok(session.lines.pending <= 65_536 + 5_000, 'too much waits')
  }

  live(): Session {
    assert.ok(this.session !== null)
    return this.session
  }

  story(): string {
    return this.rows.map(({ at, what, text }) => `@${at} ${what} ${escaped(text)}`).join('\n')
  }
}

/** The gate's EHLO reply has only lines of the backend's, and none that it must not pass on. */
function checkKeywords(text: string, said: string): void {
  const words = (reply: string) => reply.split('\r\n').map(line => line.slice(4))
  for (const word of words(text)) {
    assert.ok(words(said).includes(word), `offers ${word}`)
    assert.doesNotMatch(word, /^(?:XCLIENT|XFORWARD|STARTTLS|AUTH|CHUNKING|BINARYMIME|BURL)/i)
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
