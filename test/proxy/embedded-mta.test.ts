import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type EmbeddedMta, largestMessage, startEmbeddedMta } from '@sallyport/proxy/embedded-mta.js'
import fc from 'fast-check'

const proxied = 'PROXY TCP4 192.0.2.7 127.0.0.1 51000 25\r\n'

/** A client that says one thing and waits for one reply. */
class Dialogue {
  readonly socket: net.Socket
  private received = ''
  private wake = () => {}

  private constructor(socket: net.Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.received += text
      this.wake()
    })
    socket.on('close', () => this.wake())
    socket.on('error', () => {})
  }

  static async start(port: number, header: string): Promise<Dialogue> {
    const socket = net.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const dialogue = new Dialogue(socket)
    socket.write(header)
    return dialogue
  }

  async reply(): Promise<string> {
    for (;;) {
      const whole = /^(?:\d{3}-[^\n]*\n)*\d{3} [^\n]*\n/.exec(this.received)
      if (whole !== null) {
        this.received = this.received.slice(whole[0].length)
        return whole[0].trimEnd()
      }
      if (this.socket.closed) return 'closed'
      await new Promise<void>(resolve => {
        this.wake = resolve
      })
    }
  }

  say(line: string): Promise<string> {
    this.socket.write(`${line}\r\n`)
    return this.reply()
  }

  /** The dialogue up to the reply to DATA. */
  async envelope(): Promise<void> {
    assert.match(await this.say('MAIL FROM:<a@example.org>'), /^250 /)
    assert.match(await this.say('RCPT TO:<b@example.com>'), /^250 /)
    assert.match(await this.say('DATA'), /^354 /)
  }
}

describe('the embedded MTA', () => {
  let directory: string
  let mta: EmbeddedMta
  const logged: string[] = []

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sallyport-mta-'))
    const log = {
      info: (_: object, text: string) => logged.push(text),
      error: (_: object, text: string) => logged.push(text),
    }
    mta = await startEmbeddedMta({
      host: '127.0.0.1',
      port: 0,
      maildir: join(directory, 'mail'),
      hostname: 'mx.example.com',
      log,
    })
  })

  after(async () => {
    await mta.stop()
    await rm(directory, { recursive: true })
  })

  beforeEach(async () => {
    for (const file of await list('new')) await rm(join(directory, 'mail', 'new', file))
    logged.length = 0
  })

  const list = (part: 'new' | 'tmp') => readdir(join(directory, 'mail', part))
  const stored = async () => {
    const files = await list('new')
    const [file = ''] = files
    assert.equal(files.length, 1)
    return { file, octets: await readFile(join(directory, 'mail', 'new', file)) }
  }

  async function started(hello = 'EHLO client.example.org'): Promise<Dialogue> {
    const dialogue = await Dialogue.start(mta.port, proxied)
    assert.match(await dialogue.reply(), /^220 mx\.example\.com /)
    assert.match(await dialogue.say(hello), /^250/)
    return dialogue
  }

  it('says who brought the message, from where and for whom, and then the message', async () => {
    const dialogue = await started()
    assert.match(await dialogue.say('MAIL FROM:<a@example.org> SIZE=100'), /^250 /)
    assert.match(await dialogue.say('RCPT TO:<b@example.com>'), /^250 /)
    assert.match(await dialogue.say('RCPT TO:<c@example.net>'), /^250 /)
    assert.match(await dialogue.say('DATA'), /^354 /)
    const reply = await dialogue.say('Subject: x\r\n\r\nbody\r\n.')
    const id = /^250 2\.0\.0 Ok: queued as ([0-9a-f]{16})$/.exec(reply)?.[1]
    assert.ok(id !== undefined, reply)
    const { file, octets } = await stored()
    assert.ok(file.includes(id), file)
    const date = /\t(\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} \+0000)\r\n/.exec(octets.toString())?.[1] ?? ''
    assert.ok(Math.abs(Date.parse(date) - Date.now()) < 60_000, date)
    assert.equal(
      octets.toString(),
      'Return-Path: <a@example.org>\r\nDelivered-To: b@example.com\r\nDelivered-To: c@example.net\r\n' +
        `Received: from client.example.org ([192.0.2.7])\r\n\tby mx.example.com with ESMTP id ${id};\r\n\t${date}\r\n` +
        'Subject: x\r\n\r\nbody\r\n',
    )
    assert.deepEqual(await list('tmp'), [])
    assert.deepEqual(logged, ['message stored'])
    assert.match(await dialogue.say('QUIT'), /^221 /)
  })

  it('names an IPv6 client as an address literal, and a null reverse-path', async () => {
    const dialogue = await Dialogue.start(mta.port, 'PROXY TCP6 2001:db8::7 ::1 51000 25\r\n')
    assert.match(await dialogue.reply(), /^220 /)
    assert.match(await dialogue.say('HELO client.example.org'), /^250 /)
    assert.match(await dialogue.say('MAIL FROM:<>'), /^250 /)
    assert.match(await dialogue.say('RCPT TO:<b@example.com>'), /^250 /)
    assert.match(await dialogue.say('DATA'), /^354 /)
    assert.match(await dialogue.say('.'), /^250 /)
    const text = (await stored()).octets.toString()
    assert.match(
      text,
      /^Return-Path: <>\r\nDelivered-To: b@example\.com\r\nReceived: from client\.example\.org \(\[IPv6:2001:db8::7\]\)/,
    )
    assert.match(text, /with SMTP id/)
    dialogue.socket.destroy()
  })

  it('stores the octets of the message exactly', async () => {
    // Invariant: for any lines ended by CR LF, however cut, what is stored below our lines is what was sent before dot-stuffing.
    const dialogue = await started()
    const line = fc
      .array(fc.constantFrom('.', '.', 'a', ' ', '\t', '\0', '\xff', '250'), { maxLength: 6 })
      .map(parts => parts.join(''))
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        async (lines, places) => {
          const content = lines.map(line => `${line}\r\n`).join('')
          const sent = Buffer.from(`${content.replaceAll(/^\./gm, '..')}.\r\n`, 'latin1')
          await dialogue.envelope()
          const cuts = [0, ...places.map(place => place % (sent.length + 1)), sent.length].sort((a, b) => a - b)
          for (const [i, end] of cuts.slice(1).entries()) {
            dialogue.socket.write(sent.subarray(cuts[i], end))
            await turn()
          }
          assert.match(await dialogue.reply(), /^250 2\.0\.0 Ok: queued as /)
          const { file, octets } = await stored()
          const head = octets.indexOf('+0000\r\n') + '+0000\r\n'.length
          assert.equal(octets.subarray(head).toString('latin1'), content)
          await rm(join(directory, 'mail', 'new', file))
        },
      ),
      { numRuns: 150 },
    )
    dialogue.socket.destroy()
  })

  it('offers its size limit, no AUTH and no STARTTLS', async () => {
    const dialogue = await Dialogue.start(mta.port, proxied)
    await dialogue.reply()
    const offer = await dialogue.say('EHLO client.example.org')
    assert.match(offer, new RegExp(`250.SIZE ${largestMessage}`))
    assert.doesNotMatch(offer, /AUTH|STARTTLS|XCLIENT/)
    assert.match(await dialogue.say('AUTH PLAIN AGEAYg=='), /^5/)
    assert.match(await dialogue.say('MAIL FROM:<a@example.org> SIZE=26214401'), /^552 /)
    dialogue.socket.destroy()
  })

  it('refuses a message above the limit, leaves nothing of it, and goes on', async () => {
    const dialogue = await started()
    await dialogue.envelope()
    const line = Buffer.from(`${'x'.repeat(998)}\r\n`)
    const piece = Buffer.concat(Array.from({ length: 1000 }, () => line))
    for (let sent = 0; sent <= largestMessage; sent += piece.length) {
      if (!dialogue.socket.write(piece)) await once(dialogue.socket, 'drain')
    }
    assert.match(await dialogue.say('.'), /^552 5\.3\.4 /)
    assert.deepEqual([await list('new'), await list('tmp')], [[], []])
    await dialogue.envelope()
    assert.match(await dialogue.say('.'), /^250 /)
    dialogue.socket.destroy()
  })

  it('answers 452 when it cannot write or move the file, leaves nothing, and goes on', async () => {
    const mail = join(directory, 'mail')
    const dialogue = await started()
    for (const part of ['tmp', 'new']) {
      // Neither a file can be made in what is a file itself, nor moved into it.
      await rm(join(mail, part), { recursive: true })
      await writeFile(join(mail, part), '')
      await dialogue.envelope()
      assert.match(await dialogue.say('Subject: x\r\n\r\nbody\r\n.'), /^452 4\.3\.1 /)
      await rm(join(mail, part))
      await mkdir(join(mail, part))
      assert.deepEqual([await list('new'), await list('tmp')], [[], []])
    }
    assert.deepEqual(logged, ['message not stored', 'message not stored'])
    await dialogue.envelope()
    assert.match(await dialogue.say('.'), /^250 /)
    dialogue.socket.destroy()
  })

  const quiet = { host: '127.0.0.1', port: 0, hostname: 'mx.example.com', log: { info() {}, error() {} } }

  for (const [how, leave] of [
    ['closes', (socket: net.Socket) => socket.end()],
    ['resets', (socket: net.Socket) => socket.resetAndDestroy()],
  ] as const) {
    it(`stores nothing when the client ${how} in the middle of a message`, async () => {
      const dialogue = await started()
      await dialogue.envelope()
      dialogue.socket.write('Subject: x\r\n\r\nhalf\r\n')
      while ((await list('tmp')).length === 0) await turn()
      leave(dialogue.socket)
      while ((await list('tmp')).length > 0) await turn()
      assert.deepEqual(await list('new'), [])
    })
  }

  it('takes nobody from the loopback without a PROXY header', async () => {
    const dialogue = await Dialogue.start(mta.port, 'EHLO client.example.org\r\n')
    await once(dialogue.socket, 'close')
    assert.doesNotMatch(await dialogue.reply(), /^2/)
  })

  it('rejects when the port is taken', async () => {
    await assert.rejects(
      startEmbeddedMta({ ...quiet, port: mta.port, maildir: join(directory, 'other') }),
      /EADDRINUSE/,
    )
  })
})
