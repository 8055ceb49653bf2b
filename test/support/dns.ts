import dgram from 'node:dgram'
import { once } from 'node:events'

type QueryType = 'A' | 'AAAA' | 'PTR' | 'MX' | 'TXT' | 'other'

export interface DnsQuery {
  readonly name: string
  readonly type: QueryType
}

/** What the server says to a question. `silence`: nothing. */
export type DnsReply =
  | { readonly kind: 'records'; readonly ttl: number; readonly data: readonly string[] }
  | { readonly kind: 'nxdomain' | 'nodata' | 'servfail' | 'refused' | 'silence' }

const codes: Readonly<Record<number, QueryType>> = { 1: 'A', 28: 'AAAA', 12: 'PTR', 15: 'MX', 16: 'TXT' }
const rcodes = { records: 0, nodata: 0, servfail: 2, nxdomain: 3, refused: 5, silence: 0 } as const

/** What comes when the test lets it. */
export class Held<T> {
  readonly promise: Promise<T>
  release: (value: T) => void = () => {}
  fail: (error: Error) => void = () => {}

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.release = resolve
      this.fail = reject
    })
  }
}

/** A DNS server on the loopback that says what a test wants, when the test wants it, and remembers what it was asked. */
export class DnsServer {
  readonly queries: DnsQuery[] = []
  private readonly socket = dgram.createSocket('udp4')
  private readonly answer: (query: DnsQuery) => DnsReply | Promise<DnsReply>

  private constructor(answer: DnsServer['answer']) {
    this.answer = answer
    this.socket.on('message', (message, client) => {
      const { query, end } = readQuestion(message)
      this.queries.push(query)
      Promise.resolve(this.answer(query)).then(reply => {
        if (reply.kind === 'silence') return
        this.socket.send(writeReply(message.subarray(0, end), query.type, reply), client.port, client.address)
      })
    })
  }

  static async start(answer: (query: DnsQuery) => DnsReply | Promise<DnsReply>): Promise<DnsServer> {
    const server = new DnsServer(answer)
    server.socket.bind(0, '127.0.0.1')
    await once(server.socket, 'listening')
    return server
  }

  /** As a resolver's option names it. */
  get address(): string {
    return `127.0.0.1:${this.socket.address().port}`
  }

  async stop(): Promise<void> {
    this.socket.close()
    await once(this.socket, 'close')
  }
}

/** The one question of a query (RFC 1035 4.1.2), and where it ends. */
function readQuestion(message: Buffer): { query: DnsQuery; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { query: { name: labels.join('.'), type: codes[message.readUInt16BE(at + 1)] ?? 'other' }, end: at + 5 }
}

function writeReply(question: Buffer, type: QueryType, reply: DnsReply): Buffer {
  const data = reply.kind === 'records' ? reply.data : []
  const ttl = reply.kind === 'records' ? reply.ttl : 0
  const head = Buffer.from(question)
  // A response, authoritative, recursion available.
  head.writeUInt16BE(0x8580 | rcodes[reply.kind], 2)
  head.set([0, 1, 0, data.length, 0, 0, 0, 0], 4)
  const records = data.map(text => {
    const rdata = encode(type, text)
    const record = Buffer.alloc(12)
    // The name of the question, by a pointer to it.
    record.writeUInt16BE(0xc00c, 0)
    record.writeUInt16BE(question.readUInt16BE(question.length - 4), 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt32BE(ttl, 6)
    record.writeUInt16BE(rdata.length, 10)
    return Buffer.concat([record, rdata])
  })
  return Buffer.concat([head, ...records])
}

/** A dotted quad, an IPv6 address written out in eight groups, a name of any octets; of MX `10 name`, of TXT strings with `|` between. */
function encode(type: QueryType, text: string): Buffer {
  if (type === 'A') return Buffer.from(text.split('.').map(Number))
  if (type === 'AAAA')
    return Buffer.from(text.split(':').flatMap(group => [Number(`0x${group}`) >>> 8, Number(`0x${group}`) & 255]))
  if (type === 'TXT')
    return Buffer.concat(
      text.split('|').map(part => Buffer.from(`${String.fromCharCode(part.length)}${part}`, 'latin1')),
    )
  if (type === 'MX') {
    const [preference = '', name = ''] = text.split(' ')
    return Buffer.concat([Buffer.of(Number(preference) >>> 8, Number(preference) & 255), encode('PTR', name)])
  }
  const labels = text === '' ? [] : text.split('.')
  return Buffer.concat([
    ...labels.map(label => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')),
    Buffer.of(0),
  ])
}
