import { connect, createServer } from 'node:net'

// The yardstick: what any proxy in Node costs before it looks at anything.
const [port, backend] = process.argv.slice(2).map(Number)
createServer({ allowHalfOpen: true, noDelay: true }, client => {
  const server = connect({ host: '127.0.0.1', port: backend ?? 0, noDelay: true, allowHalfOpen: true })
  client.pipe(server).pipe(client)
  client.on('error', () => server.destroy())
  server.on('error', () => client.destroy())
}).listen(port, '127.0.0.1')
