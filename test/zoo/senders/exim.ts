import { startExim } from '../../support/exim.ts'
import { run } from '../../support/process.ts'
import { domainOf, quoted, recipientOf, type Sender, senderOf, textOf } from './sender.ts'

const name = 'exim'

export const exim: Sender = {
  name: 'Exim',
  about: 'Says its own name, and STARTTLS where it is offered.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [11, 0, 0] },
  async start(owner, roads) {
    const routes = roads.map(({ domain, host, port }) => `${domain} ${host}::${port}`).join(' ; ')
    const router = `gates:\n  driver = manualroute\n  route_list = ${routes}\n  transport = remote_smtp\n  self = send\n\n`
    const mta = await startExim(owner, {
      edit: text =>
        text
          .replace('primary_hostname = mx.example.net', `primary_hostname = mail.${domainOf(name)}`)
          // The port that it falls back on goes by its name in /etc/services, which is not there.
          .replace('  driver = smtp\n', '  driver = smtp\n  port = 25\n')
          .replace('begin routers\n\n', `begin routers\n\n${router}`),
    })
    const exim4 = (args: string) => `chroot ${mta.root} /usr/sbin/exim4 ${args}`
    return {
      async send(road, subject) {
        const call = exim4(`-odf -f ${senderOf(name)} ${recipientOf(road)}`)
        await run('sh', ['-c', `printf %s ${quoted(textOf(name, road, subject))} | ${call}`], 60_000)
      },
      async again() {
        await run('sh', ['-c', exim4('-qff')], 60_000)
      },
    }
  },
}
