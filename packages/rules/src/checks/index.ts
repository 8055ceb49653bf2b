import { access } from './access.ts'
import { authenticated } from './authenticated.ts'
import { bareNewline } from './bare-newline.ts'
import { commands } from './commands.ts'
import { dnsbl } from './dnsbl.ts'
import { greylist } from './greylist.ts'
import { harvest } from './harvest.ts'
import { heloSyntax } from './helo-syntax.ts'
import { nonSmtpCommand } from './non-smtp-command.ts'
import { pipelining } from './pipelining.ts'
import { pregreet } from './pregreet.ts'
import { recipients } from './recipients.ts'
import { reputation } from './reputation.ts'
import { trapRecipient } from './trap-recipient.ts'
import { trusted } from './trusted.ts'

/** THE LIST, in the order of a session's life. A new check is a file in this folder and a line here. */
export const checks = [
  access,
  trusted,
  reputation,
  pregreet,
  dnsbl,
  heloSyntax,
  pipelining,
  nonSmtpCommand,
  bareNewline,
  commands,
  trapRecipient,
  harvest,
  recipients,
  greylist,
  authenticated,
] as const

export type CheckName = (typeof checks)[number]['name']
