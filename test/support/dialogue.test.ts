import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect, type Dialogue } from './dialogue.ts'

/** A client of a server that is played by `play`. */
async function against(t: TestContext, play: (socket: Socket) => void, waitMs = 1_000): Promise<Dialogue> {
  const server = createServer(socket => {
    socket.on('error', () => undefined)
    play(socket)
  })
  t.after(() => server.close())
  const port = await new Promise<number>(resolve => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  return connect(t, { port, localAddress: '127.9.8.7', waitMs })
}

test('replies are taken one by one, however they are cut and joined', async t => {
  let from: string | undefined
  const client = await against(t, socket => {
    from = socket.remoteAddress
    socket.write('220-teaser\r\n220 rea')
    setTimeout(() => socket.write('dy\r\n250-a\r\n250-b c\r\n250 d\r\n354\r\n'), 20)
  })
  assert.equal(await client.line(/^220-teaser$/), '220-teaser')
  assert.deepEqual(await client.reply(), { code: 220, lines: ['220 ready'], text: '220 ready' })
  assert.deepEqual((await client.expect(/^250-b/m)).lines, ['250-a', '250-b c', '250 d'])
  assert.equal((await client.reply()).code, 354)
  assert.equal(from, '127.9.8.7')
})

test('what is sent arrives octet for octet', async t => {
  const heard: Buffer[] = []
  const client = await against(t, socket => {
    socket.on('data', octets => heard.push(octets))
    socket.on('end', () => socket.end('221 bye\r\n'))
  })
  client.send('EHLO x')
  client.sendRaw(Buffer.from([0, 0xff, 0x0a]))
  client.end()
  await client.expect(/^221/)
  assert.equal(await client.closed, 'fin')
  assert.equal(Buffer.concat(heard).toString('latin1'), 'EHLO x\r\n\0\xff\n')
})

test('a reset is told from an orderly close', async t => {
  const client = await against(t, socket => socket.resetAndDestroy())
  assert.equal(await client.closed, 'rst')
})

test('a reply of the wrong kind shows the whole dialogue', async t => {
  const client = await against(t, socket => socket.on('data', () => socket.write('550 5.1.1 unknown\r\n')))
  client.sendRaw('RCPT\tTO:<a>\n')
  await assert.rejects(
    client.expect(/^250/),
    /expected a reply that matches \/\^250\/, but got "550 5\.1\.1 unknown"\n +\d+ ms C: RCPT\\tTO:<a>\\n\n +\d+ ms S: 550 5\.1\.1 unknown$/,
  )
})

test('waiting ends at the deadline, and at once when the server closes', async t => {
  const silent = await against(t, socket => socket.write('220-half'), 50)
  await assert.rejects(
    silent.reply(),
    /expected a reply, but nothing of the kind in 50 ms\n.*\(not taken: "220-half"\)/s,
  )
  await assert.rejects(silent.closed, /expected the server to close, but nothing of the kind in 50 ms/)
  const closing = await against(t, socket => socket.end('220-half'), 60_000)
  await assert.rejects(closing.reply(), /expected a reply, but the server closed \(fin\)\n.*S: 220-half\n.*\[fin\]/s)
})

test('silence is silence', async t => {
  const client = await against(t, socket => {
    socket.on('data', () => socket.write('!'))
  })
  await client.silence(30)
  client.send('x')
  await assert.rejects(client.silence(500), /expected silence for 500 ms, but got "!"/)
})

test('a refused connection rejects', async t => {
  await assert.rejects(connect(t, { port: 1, waitMs: 1_000 }), /expected a connection, but connect ECONNREFUSED/)
})
