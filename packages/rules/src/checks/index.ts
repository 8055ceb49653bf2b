import { access } from './access.ts'
import { authenticated } from './authenticated.ts'
import { bareNewline } from './bare-newline.ts'
import { commands } from './commands.ts'
import { dnsbl } from './dnsbl.ts'
import { genericName } from './generic-name.ts'
import { greylist } from './greylist.ts'
import { harvest } from './harvest.ts'
import { headers } from './headers.ts'
import { heloAddress } from './helo-address.ts'
import { heloChange } from './helo-change.ts'
import { heloLiteral } from './helo-literal.ts'
import { heloOwn } from './helo-own.ts'
import { heloRequired } from './helo-required.ts'
import { heloSyntax } from './helo-syntax.ts'
import { heloUnresolvable } from './helo-unresolvable.ts'
import { messageSize } from './message-size.ts'
import { noReverseName } from './no-reverse-name.ts'
import { nonSmtpCommand } from './non-smtp-command.ts'
import { nullSenderRecipients } from './null-sender-recipients.ts'
import { pipelining } from './pipelining.ts'
import { pregreet } from './pregreet.ts'
import { rate } from './rate.ts'
import { recipients } from './recipients.ts'
import { reputation } from './reputation.ts'
import { reverseMismatch } from './reverse-mismatch.ts'
import { senderDomain } from './sender-domain.ts'
import { smuggling } from './smuggling.ts'
import { spf } from './spf.ts'
import { transactions } from './transactions.ts'
import { trapRecipient } from './trap-recipient.ts'
import { trusted } from './trusted.ts'

/** THE LIST, in the order of a session's life. A new check is a file in this folder and a line here. */
export const checks = [
  access,
  trusted,
  reputation,
  rate,
  pregreet,
  dnsbl,
  noReverseName,
  reverseMismatch,
  genericName,
  heloRequired,
  heloSyntax,
  heloOwn,
  heloAddress,
  heloLiteral,
  heloUnresolvable,
  heloChange,
  senderDomain,
  spf,
  nullSenderRecipients,
  transactions,
  pipelining,
  nonSmtpCommand,
  bareNewline,
  smuggling,
  messageSize,
  headers,
  commands,
  trapRecipient,
  harvest,
  recipients,
  greylist,
  authenticated,
] as const

/** Of an operator's own check: no name of ours begins so, and a misspelt one of ours is none. */
export type OwnName = `x-${string}`

export type CheckName = (typeof checks)[number]['name'] | OwnName
