import assert from 'node:assert/strict'
import { Session } from '@sallyport/proxy/session/session.js'
import { checks } from '@sallyport/rules'
import { arrivalOf } from './arrival.ts'
import { meet } from './met.ts'
import { reverseNameOf } from './name.ts'
import { Tape } from './tape.ts'
import { houseOf } from './walk-house.ts'
import { Script } from './walk-script.ts'
import { badLines, endings, negatives, odd, replyTo } from './walk-words.ts'
import { Witness } from './witness.ts'

/** The most that one read gives. */
const readLimit = 4096

/** One session, led by a tape through everything that can happen to it; the witness fails at the first broken law. */
export class Walk {
  readonly witness = new Witness()
  readonly session: Session
  private tape: Tape
  /** One turn in so many is not the one that somebody waits for. */
  private readonly calm: number
  private readonly script: Script
  /** The backend has always another question in the exchange of AUTH. */
  private readonly isCurious: boolean
  /** Whether TLS is wanted to the backends, as a rule: each may have its own. */
  private readonly backendTls: 'off' | 'opportunistic' | 'required'
  /** What the client has still to send of a line it has begun. */
  private unsent = ''
  /** What the backend has still to send. */
  private unsaid = ''

  constructor(tape: Tape) {
    this.tape = tape
    const { witness } = this
    const house = houseOf(tape)
    const arrival = arrivalOf(tape.of(['192.0.2.1', '2001:db8::7']), {
      access: tape.of(['none', 'none', 'none', 'none', 'none', 'none', 'none', 'none', 'allow', 'deny'] as const),
      greetWait: tape.of([6000, 0]),
      health: tape.pick(30) === 29,
      starttls: tape.of(['off', 'offered', 'offered', 'required', 'pass_through'] as const),
      tls: tape.pick(8) === 7 ? { version: 'TLSv1.2', cipher: 'ECDHE-RSA-AES128-GCM-SHA256', serverName: 'x' } : null,
    })
    this.calm = tape.of([16, 8, 4, 2, 1])
    this.backendTls = tape.of(['off', 'off', 'opportunistic', 'required'] as const)
    this.script = new Script(tape)
    this.isCurious = tape.pick(16) === 15
    this.session = new Session(house, arrival, witness, 0)
    witness.watch(this.session)
    witness.attempts.spares = tape.of([0, 0, 1, 2])
    witness.hasPlace = tape.pick(4) !== 3
    this.session.start(0)
    witness.settle()
  }

  run(): void {
    try {
      this.lead(this.tape.of([0, 0, 5, 9, 12, 14, 17, 24]))
      while (!this.tape.isOver && !this.session.isDone) this.turn()
      this.finish()
    } catch (fault) {
      const what = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault)
      throw new Error(`${what}\n${this.witness.story()}`)
    }
  }

  /** The first so many turns go well, whatever the client is up to: everything interesting is behind them. */
  private lead(turns: number): void {
    const { tape } = this
    this.tape = new Tape([])
    for (let i = 0; i < turns && !this.session.isDone; i++) this.forward()
    this.tape = tape
  }

  private turn(): void {
    const { tape } = this
    if (tape.pick(this.calm) !== this.calm - 1) return this.forward()
    switch (tape.pick(16)) {
      case 0:
        return this.full()
      case 1:
        return this.group()
      case 2:
        return this.clientSends(tape.of(badLines) + tape.of(endings))
      case 3:
        return this.clientSends(this.script.fragments())
      case 4:
        return this.clientSends(tape.of(['\r\n', '\r\n\r', 'x'.repeat(4000), '\r\n'.repeat(1000), 'y'.repeat(90_000)]))
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
        return this.clientSends(this.script.next() + tape.of(['', '', this.script.next()]))
      case 12:
        return tape.pick(3) === 2 ? this.backendGone() : this.forward()
      case 13:
        return this.clientSends(`${tape.of(badLines)}\r\n${this.script.response()}`)
      case 14:
        return this.backendSays((this.reply() ?? '') + (this.reply() ?? ''))
      default:
        return tape.pick(4) === 3 ? this.ending() : this.forward()
    }
  }

  /** What moves the session on: the one thing that somebody waits for. */
  private forward(): void {
    const { session, witness, tape, script } = this
    const { backend, client } = witness
    if (session.phase.name === 'lines') return this.pass(session.deadline - witness.now)
    if (witness.isTrapped) return tape.pick(3) === 2 ? this.clientSends(script.next()) : this.pass(10_000)
    if (this.unsent !== '') return this.clientSends('')
    if (this.unsaid !== '') return this.backendSays('')
    if (witness.isFull) return this.full()
    if (session.phase.name === 'recall') return this.answer()
    if (client.mode === 'handshake') return this.secured()
    if (client.mode === 'spliced') return this.splices()
    if (backend !== null && backend.use === null) return this.opened()
    if (backend?.mode === 'handshake') return this.backendSecured()
    const reply = this.reply()
    if (reply !== null) return this.backendSays(reply)
    if (!client.greeted) return witness.asked.length > 0 ? this.answer() : this.pass(session.deadline - witness.now)
    if (client.mode === 'message') return this.clientSends(tape.pick(2) === 0 ? this.endOfData() : script.fragments())
    if (client.mode === 'response' && client.item() === null)
      return this.clientSends(script.response() + (this.isCurious ? 'YQ==\r\n'.repeat(22) : ''))
    const { chunk } = client
    const missing = chunk === null ? 0 : chunk.size - chunk.content.length
    if (missing > 0) return this.clientSends(script.fragments().repeat(20).slice(0, missing))
    if (client.item() === null) this.clientSends(script.next())
    else this.answer()
  }

  /** The handshake with the client comes to an end; octets in the clear may come before. */
  private secured(): void {
    const { session, witness, tape } = this
    if (tape.pick(4) === 3) this.clientSends('EHLO injected.example\r\nMAIL FROM:<x@y>\r\n')
    this.unsent = ''
    if (session.isDone) return
    witness.note('secured', 'client')
    this.script.again()
    session.secured(witness.secured(), witness.now)
    witness.settle()
  }

  private backendSecured(): void {
    const { session, witness, tape } = this
    const { backend } = witness
    // What came in the clear is not to be heard: half a reply least of all.
    if (tape.pick(4) === 3) this.backendSays('250-half ')
    if (witness.backend !== backend || backend === null || session.isDone) return
    this.unsaid = ''
    witness.note('secured', 'backend')
    backend.secure()
    meet('TLS with the backend')
    session.backendSecured(witness.now)
    witness.settle()
  }

  /** Octets of TLS, and of anything else, either way. */
  private splices(): void {
    const { tape, script } = this
    meet('octets passed through')
    if (tape.pick(2) === 0) this.clientSends(script.fragments())
    else this.backendSays(script.fragments())
  }

  /** The client takes no replies any more, or takes them again. */
  private full(): void {
    const { session, witness } = this
    witness.isFull = !witness.isFull
    witness.note('full', String(witness.isFull))
    if (witness.isFull) return
    session.resume(witness.now)
    witness.settle()
  }

  private endOfData(): string {
    this.script.again()
    return '\r\n.\r\n'
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
    const length = Math.min(readLimit, all ? this.unsent.length : 1 + tape.pick(this.unsent.length))
    const piece = this.unsent.slice(0, length)
    this.unsent = this.unsent.slice(length)
    witness.note('C~', piece)
    witness.client.receive(piece)
    session.receive(Buffer.from(piece, 'latin1'), witness.now)
    witness.settle()
  }

  private reply(): string | null {
    const { backend } = this.witness
    const request = backend?.use ? backend.outstanding : null
    if (request?.kind === 'response' && this.isCurious && request.line !== '*') return '334 \r\n'
    return request === null ? null : replyTo(request, this.tape.pick(24))
  }

  private opened(): void {
    const { session, witness, tape } = this
    if (witness.backend === null || session.isDone) return
    this.unsaid = ''
    const isOther = tape.pick(6) === 5
    const tls = isOther ? tape.of(['off', 'opportunistic', 'required'] as const) : this.backendTls
    const use = { xclient: session.house.xclient && !isOther, tls }
    witness.note('opened', `tls=${use.tls} xclient=${use.xclient}`)
    witness.backend.use = use
    session.opened(use, witness.now)
    witness.settle()
  }

  private backendSays(text: string): void {
    const { session, witness, tape } = this
    if (!witness.backend?.use) {
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
    witness.leave()
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
      session.answer({ ask: 'recall', passed, failed, client: null, network: null, hellos: null }, witness.now)
    } else if (asked === 'dnsbl') {
      const rank = tape.pick(3)
      const finding = { rank, list: 'bl.test', couldRise: tape.pick(2), couldFall: 0, failed: 0, asked: 1, ttl: 300 }
      witness.note('listed', `rank=${rank} list=bl.test rise=${finding.couldRise}`)
      session.answer({ ask: 'dnsbl', finding }, witness.now)
    } else {
      const name = tape.of(['host.example', '[UNAVAILABLE]', 'a=+b ADDR=10.0.0.1\xe9', `${'h'.repeat(200)}.example`])
      witness.note('named', name)
      witness.reverseName = name
      session.answer({ ask: 'reverse-name', name: reverseNameOf(name) }, witness.now)
    }
    witness.settle()
  }

  /** Time goes by, and every deadline on the way is kept. */
  private pass(wait: number): void {
    const { session, witness } = this
    // A deadline may lie behind, where nobody has looked at it.
    const to = witness.now + Math.max(0, wait)
    for (let turns = 0; session.deadline <= to; turns++) {
      // In the trap there is one for each octet.
      assert.ok(turns < (witness.isTrapped ? 200 : 20), 'deadlines without end')
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
    const what = tape.of(['end', 'drain', 'end', 'broken'] as const)
    witness.note(what, '')
    witness.isBroken = what === 'broken'
    session[what](witness.now)
    witness.settle()
  }

  /** The client's connection breaks, and whatever comes after does nothing. */
  private finish(): void {
    const { session, witness } = this
    witness.note('broken', '')
    witness.isBroken = true
    session.broken(witness.now)
    witness.settle()
    assert.ok(session.isDone, 'broken, and not over')
    const rows = witness.rows.length
    session.receive(Buffer.from('RSET\r\nMAIL FROM:<a@b>\r\n.\r\n'), witness.now)
    session.opened({ xclient: session.house.xclient, tls: 'off' }, witness.now)
    session.secured({ version: 'TLSv1.3', cipher: 'x', serverName: null }, witness.now)
    session.backendSecured(witness.now)
    session.resume(witness.now)
    session.backend(Buffer.from('250 ok\r\n'), witness.now)
    session.answer({ ask: 'recall', passed: [], failed: [], client: null, network: null, hellos: null }, witness.now)
    session.backendGone('late', witness.now)
    session.timeout(witness.now + 1e9)
    session.drain(witness.now)
    session.end(witness.now)
    session.broken(witness.now)
    assert.equal(witness.rows.length, rows, 'over, and still something came out')
    witness.settle()
  }
}
