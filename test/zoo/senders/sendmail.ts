import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startSendmail } from '../../support/sendmail.ts'
import { makeDirectory } from '../../support/server-root.ts'
import { domainOf, quoted, type Sender, textOf } from './sender.ts'

const name = 'sendmail'

export const sendmail: Sender = {
  name: 'Sendmail',
  about: 'Says its own name, and STARTTLS where it is offered.',
  expected: { gentle: [6, 0, 0], standard: [6, 0, 0], strict: [11, 0, 0] },
  queue: 'A run of its queue, `sendmail -q`.',
  async start(owner, roads) {
    const mta = await startSendmail(owner)
    const shipped = await readFile(join(mta.directory, 'etc/mail/sendmail.mc'), 'utf8')
    // The port of a mailer is one for all hosts, so each road has a configuration and a queue of its own.
    for (const { preset, host, port } of roads) {
      const queue = `var/spool/mqueue/${preset}`
      await makeDirectory(mta.directory, queue, 0, 0o700)
      const site = [
        `define(\`confDOMAIN_NAME', \`mail.${domainOf(name)}')dnl`,
        `define(\`SMART_HOST', \`esmtp:[${host}]')dnl`,
        `define(\`ESMTP_MAILER_ARGS', \`TCP $h ${port}')dnl`,
        `define(\`QUEUE_DIR', \`/${queue}')dnl`,
        'MAILER_DEFINITIONS\n',
      ].join('\n')
      const file = join(mta.directory, `etc/mail/${preset}.mc`)
      await writeFile(
        file,
        shipped.replace('MAILER_DEFINITIONS\n', () => site),
      )
      await mta.run(`cd /etc/mail; m4 ${preset}.mc > ${preset}.cf`)
    }
    return {
      async send(road, message) {
        const call = `sendmail -C /etc/mail/${road.preset}.cf -odi -f ${message.from} ${message.to}`
        await mta.run(`printf %s ${quoted(textOf(message))} | ${call}`)
      },
      async again({ preset }) {
        await mta.run(`sendmail -C /etc/mail/${preset}.cf -q`)
      },
    }
  },
}
