import { startOpenSmtpd } from '../../support/opensmtpd.ts'
import { run } from '../../support/process.ts'
import { smtpSource } from '../../support/swaks.ts'
import { domainOf, type Sender } from './sender.ts'

const name = 'opensmtpd'

export const openSmtpd: Sender = {
  name: 'OpenSMTPD',
  about: 'Says its own name, and STARTTLS where it is offered.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [11, 0, 0] },
  queue: 'Its scheduler, told to by `smtpctl schedule`: by itself after 400 s, which no setting changes.',
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
      async send(_, message) {
        const to = ['-f', message.from, '-t', message.to, '-S', message.subject]
        await smtpSource(['-4', ...to, `127.0.0.1:${mta.port}`])
      },
      // By itself it comes again after 400 s, which no setting changes (BACKOFF_TRANSFER in its scheduler).
      async again({ domain }) {
        const control = (...args: readonly string[]) => run('chroot', [mta.root, '/usr/sbin/smtpctl', ...args])
        const { stdout } = await control('show', 'queue')
        const due = stdout.split('\n').filter(line => line.includes(`@${domain}|`))
        for (const line of due) await control('schedule', line.slice(0, line.indexOf('|')))
      },
    }
  },
}
