import { createServer } from 'node:net'

// The yardstick for refusing: one line to whoever comes, our side's end, and the client's, as a close with unread input is a RST.
const port = Number(process.argv[2])
createServer({ allowHalfOpen: true, noDelay: true }, client => {
  client.on('error', () => client.destroy())
  client.resume()
  client.end('521 5.7.1 Access denied\r\n', 'latin1')
}).listen(port, '127.0.0.1')
