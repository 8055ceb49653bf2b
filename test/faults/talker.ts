// A client on a thread of its own, which goes on while the gate's is held. Says when it has heard the teaser, and in the end
// everything that it was told.

import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

const { port, address, early }: { port: number; address: string; early: number } = workerData
const rest = ['EHLO mx.example.net', 'MAIL FROM:<sender@example.net>', 'RCPT TO:<user@example.test>', 'QUIT']

let heard = ''
const socket = connect({ port, host: '127.0.0.1', localAddress: address, noDelay: true })
socket.setEncoding('latin1')
socket.on('data', (text: string) => {
  const teased = heard === ''
  heard += text
  if (teased) {
    parentPort?.postMessage('teased')
    // Before the greeting is due, to the ms.
    if (early >= 0) setTimeout(() => socket.write(`${rest.shift()}\r\n`), early)
  }
  // A whole reply: it is our turn.
  const own = heard.split('\r\n').filter(line => /^\d{3} /.test(line)).length
  if (heard.endsWith('\r\n') && own > 4 - rest.length && /(^|\n)\d{3} [^\n]*\n$/.test(heard)) {
    const next = rest.shift()
    if (next !== undefined) socket.write(`${next}\r\n`)
  }
})
socket.on('close', () => parentPort?.postMessage({ heard }))
