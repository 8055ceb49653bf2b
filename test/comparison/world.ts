// The Postfix and the gates of the comparison: one main.cf for all ways, as strict and as talkative as a site's may be.

import { join } from 'node:path'
import { certificatesKey, makeAuthority } from '../support/authority.ts'
import { startGate } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import { localDomain, type Postfix, startPostfix } from '../support/postfix.ts'
import { startSaslServer } from '../support/sasl-server.ts'
import type { Way } from './campaign.ts'
import type { WayName } from './differences.ts'
import { parseScripts } from './script.ts'

const access = (pairs: readonly (readonly [string, string])[]) =>
  `inline:{ ${pairs.map(([key, action]) => `{ ${key} = ${action} }`).join(' ')} }`

const senders = access([
  ['refused@example.net', '554 5.7.1 Not from you'],
  ['deferred@example.net', '450 4.7.1 Not yet from you'],
])
const recipients = access([
  ['later@example.test', '450 4.2.0 Come back later'],
  ['multi@example.test', '554 5.7.1 Several lines follow'],
  ['away@example.test', '421 4.7.0 Go away'],
])

const main: Readonly<Record<string, string>> = {
  enable_long_queue_ids: 'yes',
  // Clients are all of 127/8, and strangers but for 127.0.0.1.
  mynetworks: '127.0.0.1/32',
  smtpd_relay_restrictions: 'permit_sasl_authenticated, permit_mynetworks, reject_unauth_destination',
  smtpd_helo_restrictions: `check_helo_access ${access([['refused.example.org', '550 5.7.1 Not by that name']])}`,
  smtpd_sender_restrictions: `check_sender_access ${senders}`,
  smtpd_recipient_restrictions: `check_recipient_access ${recipients}`,
  smtpd_data_restrictions: `check_sender_access ${access([['data-later@example.net', '451 4.3.0 No data now']])}`,
  smtpd_end_of_data_restrictions: `check_sender_access ${access([
    ['end-later@example.net', '451 4.7.1 Not yet'],
    ['end-never@example.net', '554 5.7.1 Not this message'],
  ])}`,
  smtpd_reject_footer_maps:
    'regexp:{ { /Several lines/ = \\nThe second line\\nThe third; ask <postmaster@example.test> } }',
  message_size_limit: '6000',
  smtpd_recipient_limit: '3',
  smtpd_hard_error_limit: '12',
  // What counts here is what is said, not how slowly.
  smtpd_error_sleep_time: '0',
  // As it was by default for twenty years, and still is at many sites.
  smtpd_forbid_bare_newline: 'no',
  smtputf8_enable: 'yes',
  smtpd_sasl_auth_enable: 'yes',
  smtpd_sasl_type: 'dovecot',
  smtpd_sasl_path: 'private/auth',
}

const mailboxes = ['user', 'other', 'postmaster', 'later', 'multi', 'away', 'us\u00e9r']

export interface World {
  readonly postfix: Postfix
  readonly direct: Way
  /** By name, as the list of differences names them. */
  readonly gates: Readonly<Record<WayName, Way>>
}

/** One message's worth of good manners: after it the gate knows the client. */
const acquaintance =
  parseScripts(
    'acquaintance',
    `# Acquaintance
=== a client becomes known
C: EHLO client.example.net
C: MAIL FROM:<sender@example.net>
C: RCPT TO:<user@example.test>
C: DATA
M: Subject: how do you do
M:
M: text
C: .
C: QUIT`,
  )[0] ?? null

export async function startWorld(owner: Owner): Promise<World> {
  const pair = await (await makeAuthority(owner)).issue([`mail.${localDomain}`])
  const tls = { smtpd_tls_security_level: 'may', smtpd_tls_cert_file: pair.cert, smtpd_tls_key_file: pair.key }
  const postfix = await startPostfix(owner, {
    recipients: mailboxes.map(name => `${name}@${localDomain}`),
    main: { ...main, ...tls },
  })
  await startSaslServer(owner, join(postfix.directory, 'queue', 'private', 'auth'), { alice: 'secret' })
  const way = async (network: string, isKnown: boolean, connect: 'rcpt' | 'mail' | 'greeting'): Promise<Way> => {
    const backend = `{ address: '127.0.0.1:${postfix.ports.proxy}', auth: always, connect: ${connect} }`
    const settings = [
      'hostname: mail.example.test',
      `backend: ${backend}`,
      'greet: { wait: 60ms }',
      certificatesKey(pair),
    ]
    const gate = await startGate(owner, settings.join('\n'))
    return { gate, port: gate.port, network, before: isKnown ? acquaintance : null }
  }
  return {
    postfix,
    direct: { gate: null, port: postfix.ports.plain, network: '127.1', before: null },
    gates: {
      stranger: await way('127.2', false, 'rcpt'),
      known: await way('127.3', true, 'rcpt'),
      opened: await way('127.4', true, 'greeting'),
    },
  }
}
