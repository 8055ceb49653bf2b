import assert from 'node:assert/strict'
import { Session } from '@sallyport/proxy/session/session.js'
import { checks } from '@sallyport/rules'
import { Tape } from './tape.ts'
import { houseOf } from './walk-house.ts'
import { badLines, endings, fragments, negatives, odd, replyTo } from './walk-words.ts'
import { Witness } from './witness.ts'

/** One session, led by a tape through everything that can happen to it; the witness fails at the first broken law. */
export class Walk {
  readonly witness = new Witness()
  readonly session: Session
  private tape: Tape
  /** One turn in so many is not the one that somebody waits for. */
  private readonly calm: number
  /** Where an honest client stands: hello, MAIL, RCPT, DATA, QUIT. */
  private step = 0
  /** What the client has still to send of a line it has begun. */
  private unsent = ''
  /** What the backend has still to send. */
  private unsaid = ''

  constructor(tape: Tape) {
    this.tape = tape
    const { witness } = this
    const house = houseOf(tape)
    const arrival = {
      id: 'REF',
      client: '192.0.2.1',
      clientPort: 4567,
      access: tape.of(['none', 'none', 'none', 'none', 'none', 'none', 'none', 'none', 'allow', 'deny'] as const),
      greetWait: tape.of([6000, 0]),
      health: tape.pick(30) === 29,
      starttls: 'off' as const,
      tls: null,
    }
    this.calm = tape.of([16, 8, 4, 2, 1])
    this.session = new Session(house, arrival, witness, 0)
    witness.session = this.session
    this.session.start(0)
    witness.settle()
  }

  run(): void {
    try {
      this.lead(this.tape.of([0, 0, 5, 12, 14]))
      while (!this.tape.isOver && !this.session.isDone) this.turn()
      this.finish()
    } catch (fault) {
      const what = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
      throw new Error(`${what}\n${this.witness.story()}`)
    }
  }

  /** The first so many turns go well: everything interesting is behind them. */
  private lead(turns: number): void {
    const { tape } = this
    this.tape = new Tape([])
    for (let i = 0; i < turns && !this.session.isDone; i++) this.forward()
    this.tape = tape
  }

  private turn(): void {
    const { tape } = this
    if (tape.pick(this.calm) !== this.calm - 1) return this.forward()
    switch (tape.pick(14)) {
      case 0:
        return this.forward()
      case 1:
        return this.group()
      case 2:
        return this.clientSends(tape.of(badLines) + tape.of(endings))
      case 3:
        return this.clientSends(this.fragments())
      case 4:
        return this.clientSends(tape.of(['\r\n', '\r\n\r', 'x'.repeat(4000), '\r\n'.repeat(1000)]))
      case 5:
        return this.backendSays(tape.of(negatives))
      case 6:
        return this.backendSays(tape.of(odd))
      case 7:
        return this.backendSays((this.reply() ?? '') + tape.of(odd))
      case 8:
        return this.answer()
      case 9:
        return this.pass(tape.of([1, 1, 60, 60, 7_000, 7_000, 200_000, 700_000, 20_000_000]))
      case 10:
        return this.late(tape.of([1, 60, 2_000]))
      case 11:
        return this.clientSends(`${this.goodCommand()}\r\n${tape.of(['', '', `${this.goodCommand()}\r\n`])}`)
      case 12:
        return tape.pick(3) === 2 ? this.backendGone() : this.forward()
      default:
        return tape.pick(4) === 3 ? this.ending() : this.forward()
    }
  }

  /** What moves the session on: the one thing that somebody waits for. */
  private forward(): void {
    const { session, witness, tape } = this
    const { backend, client } = witness
    if (this.unsent !== '') return this.clientSends('')
    if (this.unsaid !== '') return this.backendSays('')
    if (session.phase.name === 'recall') return this.answer()
    if (!client.greeted) return this.pass(session.deadline - witness.now)
    if (backend !== null && !backend.opened) return this.opened()
    const reply = this.reply()
    if (reply !== null) return this.backendSays(reply)
    if (client.inMessage) return this.clientSends(tape.pick(2) === 0 ? this.endOfData() : this.fragments())
    if (client.item() === null) this.clientSends(`${this.goodCommand()}\r\n`)
    else this.answer()
  }

  private goodCommand(): string {
    switch (this.step++) {
      case 0:
        return this.tape.of(['EHLO mail.example.org', 'HELO mail.example.org', 'ehlo x'])
      case 1:
        return this.tape.of(['MAIL FROM:<a@example.org>', 'MAIL FROM:<> SIZE=10', 'mail from: <a@example.org>'])
      case 2:
        return this.tape.of([
          'RCPT TO:<b@example.test>',
          'RCPT TO:<postmaster>',
          'RCPT TO:<c@example.test> NOTIFY=NEVER',
        ])
      case 3:
        if (this.tape.pick(4) === 3) this.step = 2
        return this.step === 2 ? 'RCPT TO:<d@example.test>' : 'DATA'
      default:
        this.step = 1
        return this.tape.of(['MAIL FROM:<n@example.org>', 'RSET', 'NOOP', 'QUIT'])
    }
  }

  private endOfData(): string {
    this.step = 1
    return '\r\n.\r\n'
  }

  private fragments(): string {
    let text = ''
    for (let count = this.tape.pick(6) + 1; count > 0; count--) text += this.tape.of(fragments)
    return text
  }

  /** Commands that do not wait for each other, and perhaps a message behind. */
  private group(): void {
    const { tape } = this
    const lines = ['MAIL FROM:<g@example.org>', 'RCPT TO:<g@example.test>', 'RCPT TO:<h@example.test>', 'DATA']
    const rest = tape.of([
      '',
      'RSET\r\n',
      'text\r\n.\r\n',
      'text\r\n.\r\nMAIL FROM:<i@example.org>\r\nRCPT TO:<g@x>\r\n',
    ])
    const hello = tape.pick(2) === 0 ? 'EHLO mail.example.org\r\n' : ''
    this.clientSends(`${hello + lines.slice(tape.pick(4), tape.pick(4) + 1).join('\r\n')}\r\n${rest}`)
  }

  /** In one piece, or its beginning only; what was left of the last comes first. */
  private clientSends(text: string): void {
    const { session, witness, tape } = this
    this.unsent += text
    if (session.isDone || session.clientGone || !session.wantsMore || this.unsent === '') return
    const all = tape.pick(3) !== 2
    const length = all ? this.unsent.length : 1 + tape.pick(this.unsent.length)
    const piece = this.unsent.slice(0, length)
    this.unsent = this.unsent.slice(length)
    witness.note('C~', piece)
    witness.client.receive(piece)
    session.receive(Buffer.from(piece, 'latin1'), witness.now)
    witness.settle()
  }

  private reply(): string | null {
    const request = this.witness.backend?.opened === true ? this.witness.backend.outstanding : null
    return request === null ? null : replyTo(request, this.tape.pick(24))
  }

  private opened(): void {
    const { session, witness } = this
    if (witness.backend === null || session.isDone) return
    witness.note('opened', '')
    witness.backend.opened = true
    session.opened({ xclient: session.house.xclient, tls: 'off' }, witness.now)
    witness.settle()
  }

  private backendSays(text: string): void {
    const { session, witness, tape } = this
    if (witness.backend?.opened !== true) {
      this.unsaid = ''
      return
    }
    this.unsaid += text
    if (this.unsaid === '') return
    const length = tape.pick(4) === 3 ? 1 + tape.pick(this.unsaid.length) : this.unsaid.length
    const piece = this.unsaid.slice(0, length)
    this.unsaid = this.unsaid.slice(length)
    witness.note('B~', piece)
    witness.backendSays(piece)
    session.backend(Buffer.from(piece, 'latin1'), witness.now)
    witness.settle()
    if (witness.backend === null) this.unsaid = ''
  }

  private backendGone(): void {
    const { session, witness } = this
    if (witness.backend === null) return
    witness.note('gone', 'reset')
    witness.backend.leave(witness.client)
    witness.backend = null
    this.unsaid = ''
    session.backendGone('reset', witness.now)
    witness.settle()
  }

  private answer(): void {
    const { session, witness, tape } = this
    const asked = witness.asked.shift()
    if (asked === undefined) return
    const names = checks.map(check => check.name)
    if (asked === 'recall') {
      const passed = tape.pick(2) === 0 ? names : []
      const failed = tape.pick(3) === 2 ? ['pregreet', 'pipelining'] : []
      witness.note('recalled', `passed=${passed.join()} failed=${failed.join()}`)
      session.answer({ ask: 'recall', passed, failed }, witness.now)
    } else if (asked === 'dnsbl') {
      const rank = tape.pick(3)
      const finding = { rank, list: 'bl.test', couldRise: tape.pick(2), couldFall: 0, failed: 0, asked: 1, ttl: 300 }
      witness.note('listed', `rank=${rank} list=bl.test rise=${finding.couldRise}`)
      session.answer({ ask: 'dnsbl', finding }, witness.now)
    } else {
      witness.note('named', 'host.example')
      session.answer({ ask: 'reverse-name', name: 'host.example' }, witness.now)
    }
    witness.settle()
  }

  /** Time goes by, and every deadline on the way is kept. */
  private pass(wait: number): void {
    const { session, witness } = this
    const to = witness.now + wait
    for (let turns = 0; session.deadline <= to; turns++) {
      assert.ok(turns < 20, 'deadlines without end')
      witness.now = Math.max(witness.now, session.deadline)
      witness.note('time', '')
      session.timeout(witness.now)
      witness.late = 0
      witness.settle()
    }
    witness.late = 0
    witness.now = to
  }

  /** Time goes by, and the wheel comes round late: a deadline may lie behind when the next input comes. */
  private late(wait: number): void {
    const { session, witness } = this
    const before = witness.rows.length
    session.timeout(Math.min(witness.now, session.deadline - 1))
    assert.equal(witness.rows.length, before, 'an early call does nothing')
    witness.now += wait
    witness.late += wait
  }

  private ending(): void {
    const { session, witness, tape } = this
    const what = tape.of(['end', 'drain', 'broken', 'drain'] as const)
    witness.note(what, '')
    session[what](witness.now)
    witness.settle()
  }

  /** The client's connection breaks, and whatever comes after does nothing. */
  private finish(): void {
    const { session, witness } = this
    witness.note('broken', '')
    session.broken(witness.now)
    witness.settle()
    assert.ok(session.isDone, 'broken, and not over')
    const rows = witness.rows.length
    session.receive(Buffer.from('RSET\r\nMAIL FROM:<a@b>\r\n.\r\n'), witness.now)
    session.opened({ xclient: session.house.xclient, tls: 'off' }, witness.now)
    session.backend(Buffer.from('250 ok\r\n'), witness.now)
    session.answer({ ask: 'recall', passed: [], failed: [] }, witness.now)
    session.backendGone('late', witness.now)
    session.timeout(witness.now + 1e9)
    session.drain(witness.now)
    session.end(witness.now)
    session.broken(witness.now)
    assert.equal(witness.rows.length, rows, 'over, and still something came out')
    witness.settle()
  }
}
