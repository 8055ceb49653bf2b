// A client on a thread of its own that sends a message every 100 ms, and says of each how long it took, ms (-1: not accepted).

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

const { port }: { port: number } = workerData
const said = [
  'EHLO good.example.net',
  'MAIL FROM:<a@example.net>',
  'RCPT TO:<b@example.test>',
  'DATA',
  'Subject: x\r\n\r\nx\r\n.',
  'QUIT',
]
const heard = ['220', '250', '250', '250', '354', '250', '221']

/** Whether all of it was answered as it should. */
function send(): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.9.9.9', noDelay: true })
    let step = 0
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (more: string) => {
      text += more
      if (!/^\d{3} [^\n]*\n$/m.test(text)) return
      if (!text.startsWith(heard[step] ?? '')) socket.destroy()
      text = ''
      const line = said[step++]
      if (line !== undefined) socket.write(`${line}\r\n`)
      else socket.end()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(step === heard.length))
  })
}

for (;;) {
  const begun = performance.now()
  const good = await send()
  const took = performance.now() - begun
  parentPort?.postMessage(good ? took : -1)
  await sleep(Math.max(0, 100 - took))
}
