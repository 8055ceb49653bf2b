import { run } from '../../support/process.ts'
import { domainOf, type Mailer, quoted, type Sender, textOf } from './sender.ts'

const name = 'curl'

export const curl: Sender = {
  name: 'curl',
  about:
    'Is told a name; left alone it says that of its machine, which the DNS may not know. It sends a file as it is, bare LFs too, without `--crlf`.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [11, 0, 0] },
  async start() {
    const send: Mailer['send'] = async (road, message) => {
      const text = quoted(textOf(message))
      const to = `--mail-from ${message.from} --mail-rcpt ${message.to}`
      await run(
        'sh',
        [
          '-c',
          `printf %s ${text} | curl -sS --crlf smtp://${road.host}:${road.port}/mail.${domainOf(name)} ${to} -T -`,
        ],
        90_000,
      )
    }
    return { send, again: send }
  },
}
