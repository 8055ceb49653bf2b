import { createTransport } from 'nodemailer'
import { domainOf, type Mailer, type Sender } from './sender.ts'

const name = 'nodemailer'

export const nodemailer: Sender = {
  name: 'nodemailer',
  about:
    'Is told a name; left alone it says 127.0.0.1 in brackets where the name of its machine has no dot, and waits longer for it. STARTTLS where it is offered.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [11, 0, 0] },
  async start() {
    const send: Mailer['send'] = async (road, message) => {
      const { host, port } = road
      const transport = createTransport({
        host,
        port,
        name: `mail.${domainOf(name)}`,
        tls: { rejectUnauthorized: false },
      })
      // A refusal is in the log of the gate.
      await transport
        .sendMail({ from: message.from, to: message.to, subject: message.subject, text: 'Good day.' })
        .catch(() => undefined)
      transport.close()
    }
    return { send, again: send }
  },
}
