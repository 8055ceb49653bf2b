import { run } from '../../support/process.ts'
import { domainOf, type Mailer, type Sender } from './sender.ts'

const name = 'swaks'

export const swaks: Sender = {
  name: 'swaks',
  about: 'Is told a name; left alone it says that of its machine, which the DNS may not know.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [11, 0, 0] },
  async start() {
    const send: Mailer['send'] = async (road, message) => {
      const to = ['--from', message.from, '--to', message.to, '--header', `Subject: ${message.subject}`]
      await run(
        'swaks',
        ['--helo', `mail.${domainOf(name)}`, '--server', road.host, '--port', `${road.port}`, ...to],
        90_000,
      )
    }
    return { send, again: send }
  },
}
