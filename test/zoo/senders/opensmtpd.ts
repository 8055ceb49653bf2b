import { startOpenSmtpd } from '../../support/opensmtpd.ts'
import { smtpSource } from '../../support/swaks.ts'
import { domainOf, recipientOf, type Sender, senderOf } from './sender.ts'

const name = 'opensmtpd'

export const openSmtpd: Sender = {
  name: 'OpenSMTPD',
  about: 'Says its own name, and STARTTLS where it is offered.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [11, 0, 0] },
  async start(owner, roads) {
    const mta = await startOpenSmtpd(owner, {
      edit: text =>
        [
          `listen on 127.0.0.1 port ${/^listen .* port (\d+)/m.exec(text)?.[1]} hostname mail.${domainOf(name)}`,
          ...roads.flatMap(({ preset, domain, host, port }) => [
            `action "${preset}" relay host "smtp://${host}:${port}" helo "mail.${domainOf(name)}"`,
            `match from any for domain "${domain}" action "${preset}"`,
          ]),
          '',
        ].join('\n'),
    })
    return {
      async send(road, subject) {
        const to = ['-f', senderOf(name), '-t', recipientOf(road), '-S', subject]
        await smtpSource(['-4', ...to, `127.0.0.1:${mta.port}`])
      },
      // It comes again by itself.
      again: async () => undefined,
    }
  },
}
