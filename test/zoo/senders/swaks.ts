import { run } from '../../support/process.ts'
import { type Mailer, recipientOf, type Sender, senderOf } from './sender.ts'

const name = 'swaks'

export const swaks: Sender = {
  name: 'swaks',
  about: 'Says the name of its machine.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [2, 2, 1] },
  async start() {
    const send: Mailer['send'] = async (road, subject) => {
      const to = ['--from', senderOf(name), '--to', recipientOf(road), '--header', `Subject: ${subject}`]
      await run('swaks', ['--server', road.host, '--port', `${road.port}`, ...to], 90_000)
    }
    return { send, again: send }
  },
}
