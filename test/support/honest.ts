import assert from 'node:assert/strict'
import { Session } from '@sallyport/proxy/session/session.js'
import { arrivalOf } from './arrival.ts'
import { makeHouse } from './house.ts'
import type { Tape } from './tape.ts'
import { replyTo } from './walk-words.ts'
import { Witness } from './witness.ts'

/** An honest message: text lines, long ones, empty ones, stuffed dots, 8 bit. */
const bodyLines = ['text', '', '..stuffed', '..', 'x'.repeat(998), 'gr\xfc\xdfe', ' .', 'DATA', 'QUIT'] as const

/** Answers in the exchange of AUTH, some of which would be commands elsewhere. */
const responses = ['dXNlcg==', 'cGFzc3dvcmQ=', '', '*', 'QUIT', 'DATA', 'MAIL FROM:<a@example.org>'] as const

/** What one session of an honest client looked like from outside. */
export interface Heard {
  readonly client: string
  readonly backend: string
  readonly ending: string | null
  /** The backend refused for good, or the gate did: 5xx that were heard. */
  readonly refused: readonly string[]
  /** The backend had no trouble and said no to nothing. */
  readonly untroubled: boolean
}

/**
 * A client that waits for every reply and sends legal lines only, and a backend that speaks SMTP but may be in trouble at any
 * moment. `cut` says where each of the client's lines is cut. The witness watches.
 */
export class HonestSession {
  readonly witness = new Witness()
  readonly session: Session
  private readonly tape: Tape
  private readonly cut: (length: number) => readonly number[]
  /** After so many replies the backend is gone, or silent; never: it has no trouble. */
  private readonly trouble: number
  private readonly silent: boolean
  private replies = 0
  private untroubled = true

  constructor(tape: Tape, cut: (length: number) => readonly number[]) {
    this.tape = tape
    this.cut = cut
    this.trouble = tape.pick(3) === 0 ? tape.pick(12) : Number.POSITIVE_INFINITY
    this.silent = tape.pick(2) === 1
    const arrival = arrivalOf('192.0.2.1', { greetWait: tape.of([6000, 0]), starttls: 'offered' })
    const house = makeHouse({
      xclient: tape.pick(2) === 1,
      connect: tape.of(['rcpt', 'rcpt', 'mail', 'greeting'] as const),
      keywords: ['PIPELINING', 'SIZE 10240000', '8BITMIME', 'CHUNKING', 'AUTH PLAIN LOGIN'],
    })
    this.session = new Session(house, arrival, this.witness, 0)
    this.witness.watch(this.session)
    this.session.start(0)
  }

  run(): Heard {
    const { session, witness, tape } = this
    this.settleBackend()
    this.wait()
    this.say('EHLO mail.example.org\r\n')
    if (tape.pick(3) === 2) this.secure()
    for (let messages = 1 + tape.pick(3); messages > 0 && !session.isDone; messages--) this.message()
    if (!session.isDone) this.say('QUIT\r\n')
    assert.ok(session.isDone, 'QUIT, and not over')
    const said = (...whats: string[]) =>
      witness.rows.flatMap(({ what, text }) => (whats.includes(what) ? [text] : [])).join('')
    const client = said('S~')
    return {
      client,
      backend: said('B>', 'B]'),
      ending: session.journal.ending,
      untroubled: this.untroubled,
      refused: client.match(/^5\d\d[^\r]*/gm) ?? [],
    }
  }

  /** TLS, and perhaps a login. */
  private secure(): void {
    const { session, witness, tape } = this
    if (this.say('STARTTLS\r\n') !== 220 || session.isDone) return
    session.secured(witness.secured(), witness.now)
    witness.settle()
    this.say('EHLO mail.example.org\r\n')
    if (session.isDone || tape.pick(2) === 0) return
    for (let code = this.say('AUTH LOGIN\r\n'); code === 334; ) code = this.say(`${tape.of(responses)}\r\n`)
  }

  private message(): void {
    const { session, tape } = this
    if (this.say(`MAIL FROM:<a@example.org> SIZE=${tape.pick(1000)}\r\n`) >= 300) return
    let taken = 0
    for (let recipients = 1 + tape.pick(3); recipients > 0 && !session.isDone; recipients--)
      if (this.say(`RCPT TO:<user${recipients}@example.test>\r\n`) < 300) taken++
    if (session.isDone) return
    if (taken > 0 && tape.pick(3) === 2) this.chunks()
    else if (taken > 0 && this.say('DATA\r\n') === 354) {
      for (let lines = tape.pick(6); lines > 0; lines--) this.send(`${tape.of(bodyLines)}\r\n`)
      this.say('.\r\n')
    } else if (!session.isDone) this.say('RSET\r\n')
  }

  /** A message in chunks, cut where lines are not. */
  private chunks(): void {
    const { session, tape } = this
    for (let left = tape.pick(3); left >= 0 && !session.isDone; left--) {
      const content = `${tape.of(bodyLines)}\r\n`.slice(0, tape.of([9999, 9999, 3, 0]))
      const code = this.say(`BDAT ${content.length}${left === 0 ? ' LAST' : ''}\r\n${content}`)
      if (code >= 300) return
    }
  }

  /** Sends a line and waits for its reply; gives its code. */
  private say(line: string): number {
    if (this.session.isDone) return 0
    this.send(line)
    this.wait()
    const last = this.witness.rows.findLast(({ what }) => what === 'S~')?.text ?? ''
    return Number(/(?:^|\r\n)(\d{3})[^\r]*\r\n$/.exec(last)?.[1])
  }

  private send(line: string): void {
    let from = 0
    for (const to of [...this.cut(line.length), line.length]) {
      if (this.session.isDone) return
      const piece = line.slice(from, to)
      this.witness.client.receive(piece)
      this.session.receive(Buffer.from(piece, 'latin1'), this.witness.now)
      this.witness.settle()
      from = to
    }
    this.settleBackend()
  }

  /** Until the reply has come, or the session is over. */
  private wait(): void {
    const { session, witness } = this
    for (let turns = 0; !session.isDone; turns++) {
      assert.ok(turns < 10, 'no reply')
      if (witness.client.greeted && witness.client.item() === null) return
      witness.now = session.deadline
      session.timeout(witness.now)
      witness.settle()
      this.settleBackend()
    }
  }

  /** The backend says what it has to say, until it waits for the client. */
  private settleBackend(): void {
    const { session, witness } = this
    while (witness.backend !== null && !session.isDone) {
      const { backend } = witness
      const [troubled, request] = [this.replies >= this.trouble, backend.outstanding]
      if (troubled) this.untroubled = false
      if (troubled && this.silent) return
      if (troubled) {
        witness.leave()
        session.backendGone('reset', witness.now)
      } else if (backend.use === null) {
        backend.use = { xclient: session.house.xclient, tls: 'off' }
        session.opened(backend.use, witness.now)
      } else if (request !== null) {
        this.replies++
        const reply = replyTo(request, this.tape.pick(24))
        if (/^[45]/.test(reply)) this.untroubled = false
        witness.backendSays(reply)
        session.backend(Buffer.from(reply, 'latin1'), witness.now)
      } else return
      witness.settle()
    }
  }
}
