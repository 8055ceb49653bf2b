import { join } from 'node:path'
import { startPostfix } from '../../support/postfix.ts'
import { run } from '../../support/process.ts'
import { smtpSource } from '../../support/swaks.ts'
import { domainOf, recipientOf, type Sender, senderOf } from './sender.ts'

const name = 'postfix'

export const postfix: Sender = {
  name: 'Postfix',
  about: 'Says its own name, and STARTTLS where it is offered.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [11, 0, 0] },
  async start(owner, roads) {
    const transports = roads.map(({ domain, host, port }) => `{ ${domain} = smtp:[${host}]:${port} }`)
    const mta = await startPostfix(owner, {
      recipients: [],
      main: {
        myhostname: `mail.${domainOf(name)}`,
        virtual_mailbox_domains: '',
        virtual_mailbox_maps: '',
        transport_maps: `inline:{ ${transports.join(' ')} }`,
        smtp_tls_security_level: 'may',
      },
    })
    return {
      async send(road, subject) {
        const to = ['-f', senderOf(name), '-t', recipientOf(road), '-S', subject]
        await smtpSource(['-4', ...to, `127.0.0.1:${mta.ports.plain}`])
      },
      async again() {
        await run('postqueue', ['-c', join(mta.directory, 'etc'), '-f'])
      },
    }
  },
}
