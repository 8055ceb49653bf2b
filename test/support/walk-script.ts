import { secretWord } from './log-model.ts'
import type { Tape } from './tape.ts'
import { fragments, responses } from './walk-words.ts'

type Step = 'hello' | 'mail' | 'rcpt' | 'data' | 'bdat' | 'auth' | 'starttls' | 'other'

/** What a client is up to; from the second hello on it begins anew. */
const plans: readonly (readonly Step[])[] = [
  ['hello', 'mail', 'rcpt', 'data'],
  ['hello', 'mail', 'rcpt', 'bdat'],
  ['hello', 'auth', 'mail', 'rcpt', 'bdat'],
  ['hello', 'starttls', 'hello', 'mail', 'rcpt', 'data'],
  ['hello', 'starttls', 'hello', 'auth', 'mail', 'rcpt', 'data'],
  ['hello', 'other', 'mail', 'rcpt', 'other', 'data'],
  ['hello', 'mail', 'rcpt', 'other', 'starttls', 'hello', 'mail', 'rcpt', 'bdat'],
  ['hello', 'starttls', 'hello', 'other', 'mail', 'rcpt', 'bdat', 'auth'],
  ['hello', 'auth', 'other', 'other', 'other', 'mail', 'rcpt', 'bdat', 'bdat'],
]

const lines: { readonly [S in Step]: readonly string[] } = {
  hello: ['EHLO mail.example.org', 'EHLO mail.example.org', 'HELO mail.example.org', 'ehlo mail.example.org'],
  mail: [
    'MAIL FROM:<a@example.org>',
    'MAIL FROM:<> SIZE=10',
    'mail from: <a@example.org>',
    'MAIL FROM:<a@example.org> SMTPUTF8 BODY=BINARYMIME',
  ],
  rcpt: [
    'RCPT TO:<b@example.test>',
    'RCPT TO:<b@example.test>',
    'RCPT TO:<postmaster>',
    'RCPT TO:<c@example.test> NOTIFY=NEVER',
    'RCPT TO:<o@other.test>',
    'RCPT TO:<o@a.b.other.test>',
    'RCPT TO:<\xc3\xa9@example.test>',
  ],
  data: ['DATA', 'data'],
  bdat: [],
  auth: ['AUTH LOGIN', 'AUTH PLAIN ', 'auth login '],
  starttls: ['STARTTLS', 'starttls'],
  other: [
    'VRFY x',
    'ETRN example.test',
    'FOO bar',
    'NOOP',
    'HELP',
    'EXPN list',
    'RSET',
    'MAIL FROM:<n@example.org>',
    'QUIT',
  ],
}

/** The lines of a client that knows what it wants, whatever it is answered. */
export class Script {
  private readonly tape: Tape
  private readonly plan: readonly Step[]
  private step = 0
  private secrets = 0

  constructor(tape: Tape) {
    this.tape = tape
    this.plan = tape.of(plans)
  }

  /** The next line or two of the plan, and a chunk where that is due. */
  next(): string {
    const { tape, plan } = this
    const step = plan[this.step++]
    if (step === undefined) {
      this.step = plan.lastIndexOf('hello') + 1
      return `${tape.of(lines.other)}\r\n`
    }
    if (step === 'bdat') return this.chunks()
    if (step === 'rcpt' && tape.pick(4) === 3) this.step--
    const line = tape.of(lines[step])
    // What stands behind STARTTLS in the clear may be anybody's.
    if (step === 'starttls' && tape.pick(6) === 5) return `${line}\r\nEHLO injected.example\r\n`
    return step === 'auth' && line.endsWith(' ') ? `${line}${this.secret()}\r\n` : `${line}\r\n`
  }

  /** TLS has begun, or a message is over: the plan goes on there. */
  again(): void {
    this.step = this.plan.lastIndexOf('hello') + 1
  }

  /** An answer in the exchange of AUTH. */
  response(): string {
    const { tape } = this
    if (tape.pick(24) === 23) return `${'x'.repeat(12_290)}${this.secret()}\r\n`
    return `${tape.of(responses)}${tape.pick(2) === 0 ? this.secret() : ''}\r\n`
  }

  private secret(): string {
    return secretWord(++this.secrets)
  }

  fragments(): string {
    let text = ''
    for (let count = this.tape.pick(6) + 1; count > 0; count--) text += this.tape.of(fragments)
    return text
  }

  /** A message in one chunk or more; now and then more octets than were announced, or fewer. */
  private chunks(): string {
    const { tape } = this
    let text = ''
    for (let left = tape.pick(3); left >= 0; left--) {
      const content = tape.pick(6) === 5 ? '' : this.fragments()
      const size = Math.max(0, content.length + tape.of([0, 0, 0, 0, 0, 0, 1, -1]))
      const word = tape.of(['BDAT', 'BDAT', 'bdat'])
      const last = left === 0 && tape.pick(8) < 7 ? ' LAST' : ''
      text += `${word} ${tape.pick(12) === 11 ? '0' : ''}${size}${last}\r\n${content}`
    }
    return tape.pick(8) === 7 ? `${text}RSET\r\n` : text
  }
}
