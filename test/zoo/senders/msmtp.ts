import { run } from '../../support/process.ts'
import { type Mailer, quoted, type Sender, textOf } from './sender.ts'

export const msmtp: Sender = {
  name: 'msmtp',
  about: 'Says `localhost`.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [1, 1, 1] },
  async start() {
    const send: Mailer['send'] = async (road, message) => {
      const call = `msmtp --host=${road.host} --port=${road.port} --from=${message.from} ${message.to}`
      await run('sh', ['-c', `printf %s ${quoted(textOf(message))} | ${call}`], 90_000)
    }
    return { send, again: send }
  },
}
