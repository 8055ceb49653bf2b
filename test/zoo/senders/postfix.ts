import { startPostfix } from '../../support/postfix.ts'
import { smtpSource } from '../../support/swaks.ts'
import { domainOf, type Sender } from './sender.ts'

const name = 'postfix'

export const postfix: Sender = {
  name: 'Postfix',
  about: 'Says its own name, and STARTTLS where it is offered.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [11, 0, 0] },
  queue: 'Its queue manager, after `minimal_backoff_time`.',
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
        minimal_backoff_time: '3s',
        maximal_backoff_time: '3s',
        queue_run_delay: '1s',
      },
    })
    return {
      async send(_, message) {
        const to = ['-f', message.from, '-t', message.to, '-S', message.subject]
        await smtpSource(['-4', ...to, `127.0.0.1:${mta.ports.plain}`])
      },
      // It comes again by itself.
      again: async () => undefined,
    }
  },
}
