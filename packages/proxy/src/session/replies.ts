import type { Verdict } from '@sallyport/rules'

/**
 * Every reply of the gate's own, in one place. Generic words: what was seen is in the log, under the reference id that ends
 * each refusal. The wording follows what administrators know from postscreen.
 */
export const replies = {
  teaser: (hostname: string) => `220-${hostname} ESMTP\r\n`,
  greeting: (hostname: string) => `220 ${hostname} ESMTP\r\n`,
  helo: (hostname: string) => `250 ${hostname}\r\n`,
  mailOk: '250 2.1.0 Ok\r\n',
  rcptOk: '250 2.1.5 Ok\r\n',
  ok: '250 2.0.0 Ok\r\n',
  sendData: '354 End data with <CR><LF>.<CR><LF>\r\n',
  bye: '221 2.0.0 Bye\r\n',
  help: '214 2.0.0 See RFC 5321\r\n',
  cannotVerify: '252 2.5.0 Cannot verify; send mail to find out\r\n',

  syntax: '500 5.5.2 Error: bad syntax\r\n',
  lineTooLong: '500 5.5.2 Error: line too long\r\n',
  unrecognized: '500 5.5.2 Error: command not recognized\r\n',
  unimplemented: '502 5.5.1 Error: command not implemented\r\n',
  helloSyntax: (verb: string) => `501 5.5.4 Syntax: ${verb} hostname\r\n`,
  mailSyntax: '501 5.5.4 Syntax: MAIL FROM:<address>\r\n',
  rcptSyntax: '501 5.5.4 Syntax: RCPT TO:<address>\r\n',
  noPrdr: '555 5.5.4 Unsupported option: PRDR\r\n',
  notAscii: '553 5.6.7 Error: address is not ASCII, and SMTPUTF8 was not asked for\r\n',
  notUtf8: '553 5.6.7 Error: address is not UTF-8\r\n',
  starttlsSyntax: '501 5.5.4 Syntax: STARTTLS\r\n',
  chunkSyntax: '501 5.5.4 Syntax: BDAT count [LAST]\r\n',
  noChunks: '451 4.3.3 Error: BDAT is not available now, try again later\r\n',
  readyForTls: '220 2.0.0 Ready to start TLS\r\n',
  alreadyTls: '554 5.5.1 Error: TLS already active\r\n',
  noTlsNow: '454 4.7.0 TLS not available due to local problem\r\n',
  starttlsFirst: '530 5.7.0 Must issue a STARTTLS command first\r\n',
  loginNeedsTls: '538 5.7.11 Encryption required for requested authentication mechanism\r\n',
  loginFailed: '535 5.7.8 Error: authentication failed\r\n',
  loginInTransaction: '503 5.5.1 Error: MAIL transaction in progress\r\n',
  otherServer: '452 4.5.3 Error: too many recipients; send to this one in a transaction of its own\r\n',
  helloFirst: '503 5.5.1 Error: send HELO/EHLO first\r\n',
  nestedMail: '503 5.5.1 Error: nested MAIL command\r\n',
  needMail: '503 5.5.1 Error: need MAIL command\r\n',
  needRcpt: '503 5.5.1 Error: need RCPT command\r\n',
  noRecipients: '554 5.5.1 Error: no valid recipients\r\n',
  noRecipientsYet: '451 4.5.1 Error: no valid recipients, try again later\r\n',

  relayDenied: (id: string) => `554 5.7.1 Relay access denied; ref=${id}\r\n`,
  bareNewline: (id: string) => `550 5.5.2 Message contains bare newlines; ref=${id}\r\n`,
  nul: (id: string) => `550 5.6.0 Message contains NUL characters; ref=${id}\r\n`,
  unavailable: (id: string) => `451 4.3.0 Mail system temporarily unavailable, try again later; ref=${id}\r\n`,
  backendLost: (hostname: string, id: string) =>
    `421 4.4.2 ${hostname} Lost connection with the mail system, try again later; ref=${id}\r\n`,
  timeout: (hostname: string, id: string) => `421 4.4.2 ${hostname} Error: timeout exceeded; ref=${id}\r\n`,
  tooMany: (hostname: string, id: string) => `421 4.7.0 ${hostname} Error: too many commands; ref=${id}\r\n`,
  endlessLine: (hostname: string, id: string) => `421 4.7.0 ${hostname} Error: line too long; ref=${id}\r\n`,
  shuttingDown: (hostname: string, id: string) =>
    `421 4.3.2 ${hostname} Service shutting down, try again later; ref=${id}\r\n`,
  tooManyConnections: (hostname: string, id: string) =>
    `421 4.7.0 ${hostname} Error: too many connections; ref=${id}\r\n`,
  tooBusy: (hostname: string, id: string) => `421 4.7.0 ${hostname} Error: too busy, try again later; ref=${id}\r\n`,
  noService: (hostname: string, id: string) =>
    `421 4.3.2 ${hostname} Service not available, try again later; ref=${id}\r\n`,
  internal: (hostname: string, id: string) => `421 4.3.0 ${hostname} Error: internal error; ref=${id}\r\n`,
  goAhead: (hostname: string, id: string) =>
    `421 4.5.1 ${hostname} Error: data sent before it was asked for; ref=${id}\r\n`,
} as const

/** The reply that says a verdict: 450, 550, or on `drop` 521 (RFC 7504) or what the check says. */
export function verdictReply(verdict: Verdict, id: string): string {
  const words = verdict.cause?.words ?? { enhanced: '7.1', text: 'Service unavailable' }
  switch (verdict.action) {
    case 'defer':
    case 'none':
      return `450 4.${words.enhanced} ${words.text}, try again later; ref=${id}\r\n`
    case 'refuse':
    case 'decoy':
    case 'trap':
      return `550 5.${words.enhanced} ${words.text}; ref=${id}\r\n`
    case 'drop': {
      const code = words.dropCode ?? 521
      return `${code} ${code < 500 ? 4 : 5}.${words.enhanced} ${words.text}; ref=${id}\r\n`
    }
    default:
      verdict.action satisfies never
      return ''
  }
}
