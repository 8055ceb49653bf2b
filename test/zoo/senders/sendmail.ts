import { startSendmail } from '../../support/sendmail.ts'
import { domainOf, quoted, recipientOf, type Sender, senderOf, textOf } from './sender.ts'

const name = 'sendmail'

export const sendmail: Sender = {
  name: 'Sendmail',
  about: 'Says its own name, and STARTTLS where it is offered.',
  async start(owner, roads) {
    const mta = await startSendmail(owner)
    for (const { preset, host, port } of roads) {
      const site = [
        `define(\`confDOMAIN_NAME', \`mail.${domainOf(name)}')dnl`,
        `define(\`SMART_HOST', \`esmtp:[${host}]')dnl`,
        `define(\`ESMTP_MAILER_ARGS', \`TCP $h ${port}')dnl`,
        `define(\`QUEUE_DIR', \`/var/spool/mqueue/${preset}')dnl`,
        'MAILER_DEFINITIONS',
      ].join('\n')
      const edit = `site=${quoted(site)}; sed '/^MAILER_DEFINITIONS/,$d' sendmail.mc > ${preset}.mc; echo "$site" >> ${preset}.mc; sed -n '/^MAILER_DEFINITIONS/,$p' sendmail.mc | sed 1d >> ${preset}.mc`
      await mta.run(`mkdir -m 700 /var/spool/mqueue/${preset}; cd /etc/mail; ${edit}; m4 ${preset}.mc > ${preset}.cf`)
    }
    return {
      async send(road, subject) {
        const call = `sendmail -C /etc/mail/${road.preset}.cf -odi -f ${senderOf(name)} ${recipientOf(road)}`
        await mta.run(`printf %s ${quoted(textOf(name, road, subject))} | ${call}`)
      },
      async again({ preset }) {
        await mta.run(`sendmail -C /etc/mail/${preset}.cf -q`)
      },
    }
  },
}
