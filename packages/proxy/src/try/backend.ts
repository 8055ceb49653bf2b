import type { World } from './world.ts'

/** What a backend says that takes everything. */
const usual: Readonly<Record<string, string>> = {
  CONNECT: '220 backend ESMTP',
  HELO: '250 backend',
  MAIL: '250 2.1.0 Ok',
  RCPT: '250 2.1.5 Ok',
  DATA: '354 End data with <CR><LF>.<CR><LF>',
  '.': '250 2.0.0 Ok: queued as TRY',
  BDAT: '250 2.0.0 Ok',
  AUTH: '235 2.7.0 Authentication successful',
  STARTTLS: '220 2.0.0 Ready to start TLS',
  XCLIENT: '220 backend ESMTP',
  QUIT: '221 2.0.0 Bye',
}

/** A backend that says what the script has it say, and reads just enough to know when it is asked. */
export class ScriptedBackend {
  private readonly world: World
  private readonly said = new Map<string, number>()
  /** Octets that a chunk still has; -1: it is none. */
  private chunk = -1
  private isLast = false
  private inMessage = false
  /** The latest octets of a message. */
  private tail = ''

  constructor(world: World) {
    this.world = world
  }

  greet(): string {
    this.chunk = -1
    this.inMessage = false
    return this.reply('CONNECT')
  }

  /** Command lines; gives the replies. */
  command(text: string): string {
    return text
      .split('\r\n')
      .filter(line => line !== '')
      .map(line => this.line(line))
      .join('')
  }

  /** Octets of a message or a chunk; gives the reply, or nothing. */
  message(octets: Uint8Array): string {
    if (this.chunk >= 0) {
      this.chunk -= octets.length
      return this.endChunk()
    }
    if (!this.inMessage) return ''
    this.tail = (this.tail + Buffer.from(octets).toString('latin1')).slice(-5)
    if (this.tail !== '\r\n.\r\n') return ''
    this.inMessage = false
    return this.reply('.')
  }

  private line(line: string): string {
    const [verb = '', size = '', last = ''] = line.toUpperCase().split(/[ \t]+/)
    if (verb !== 'BDAT') {
      const reply = this.reply(verb)
      this.inMessage = reply.startsWith('354')
      this.tail = '\r\n'
      return reply
    }
    this.chunk = Number(size)
    this.isLast = last === 'LAST'
    return this.endChunk()
  }

  private endChunk(): string {
    if (this.chunk > 0) return ''
    this.chunk = -1
    return this.reply(this.isLast ? '.' : 'BDAT')
  }

  private reply(verb: string): string {
    const scripted = this.world.replies.get(verb) ?? []
    const before = this.said.get(verb) ?? 0
    this.said.set(verb, before + 1)
    const own = scripted[Math.min(before, scripted.length - 1)]
    if (own !== undefined) return `${own}\r\n`
    if (verb !== 'EHLO') return `${usual[verb] ?? '250 2.0.0 Ok'}\r\n`
    const lines = ['backend', ...this.world.keywords]
    return lines.map((line, i) => `250${i < lines.length - 1 ? '-' : ' '}${line}\r\n`).join('')
  }
}
