import { run } from '../../support/process.ts'
import { type Mailer, quoted, recipientOf, type Sender, senderOf, textOf } from './sender.ts'

const name = 'msmtp'

export const msmtp: Sender = {
  name: 'msmtp',
  about: 'Says `localhost`.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [1, 1, 1] },
  async start() {
    const send: Mailer['send'] = async (road, subject) => {
      const call = `msmtp --host=${road.host} --port=${road.port} --from=${senderOf(name)} ${recipientOf(road)}`
      await run('sh', ['-c', `printf %s ${quoted(textOf(name, road, subject))} | ${call}`], 90_000)
    }
    return { send, again: send }
  },
}
