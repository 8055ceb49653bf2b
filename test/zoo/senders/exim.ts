import { startExim } from '../../support/exim.ts'
import { run } from '../../support/process.ts'
import { domainOf, quoted, type Sender, textOf } from './sender.ts'

const name = 'exim'

export const exim: Sender = {
  name: 'Exim',
  about: 'Says its own name, and STARTTLS where it is offered.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [11, 0, 0] },
  queue: 'Its queue runner, by the first retry rule.',
  async start(owner, roads) {
    const routes = roads.map(({ domain, host, port }) => `${domain} ${host}::${port}`).join(' ; ')
    const router = `gates:\n  driver = manualroute\n  route_list = ${routes}\n  transport = remote_smtp\n  self = send\n\n`
    const mta = await startExim(owner, {
      arguments: ['-q1s'],
      edit: text =>
        text
          .replace('primary_hostname = mx.example.net', `primary_hostname = mail.${domainOf(name)}`)
          // The port that it falls back on goes by its name in /etc/services, which is not there.
          .replace('  driver = smtp\n', '  driver = smtp\n  port = 25\n')
          .replace('begin routers\n\n', `begin routers\n\n${router}`)
          .replace('F,2h,15m', 'F,2h,3s'),
    })
    const exim4 = (args: string) => `chroot ${mta.root} /usr/sbin/exim4 ${args}`
    return {
      async send(_, message) {
        const call = exim4(`-odf -f ${message.from} ${message.to}`)
        await run('sh', ['-c', `printf %s ${quoted(textOf(message))} | ${call}`], 60_000)
      },
      // It comes again by itself.
      again: async () => undefined,
    }
  },
}
