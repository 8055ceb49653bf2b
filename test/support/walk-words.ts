import type { Request } from './backend-view.ts'

/** Lines that no good client sends, or not here. */
export const badLines: readonly string[] = [
  'NOOP',
  'HELP',
  'VRFY x',
  'EXPN list',
  'ETRN example.test',
  'AUTH PLAIN AGEAYg==',
  'AUTH LOGIN',
  'AUTH',
  'AUTH  LOGIN  =',
  'AUTH EXTERNAL =',
  'STARTTLS',
  'STARTTLS',
  'STARTTLS now',
  'STARTTLS \xa0',
  'XCLIENT ADDR=10.0.0.1',
  'xclient\tADDR=10.0.0.1',
  'XFORWARD NAME=x',
  'X-CONNECT x',
  'PROXY TCP4 10.0.0.1 10.0.0.2 1 2',
  'TURN',
  'ATRN',
  'BURL imap://x LAST',
  'X-EXPS LOGIN',
  'BDAT 3',
  'BDAT 0 LAST',
  'BDAT 0',
  'bdat 7 last',
  'BDAT 010 LAST',
  'BDAT 5  LAST ',
  'BDAT 4 LAST\xa0',
  'BDAT 4\xa0',
  'BDAT 6 \0',
  'BDAT -1',
  'BDAT +5',
  'BDAT 0x10',
  'BDAT 5 LAST LAST',
  'BDAT 99999999999999999999',
  'BDAT 100000',
  'BDAT',
  'BDAT\t5',
  'BDAT 5\tLAST',
  'BDAT 5,LAST',
  'BDAT 1e1',
  ' BDAT 5 LAST',
  'BDAT 3\rRSET',
  'FOO',
  'DATA\t',
  'RSET x',
  'QUIT x',
  'MAIL\tFROM:<t@example.org>',
  'RCPT TO: <b@example.test> ORCPT=rfc822;b+2Bc',
  'FOO bar',
  'BAR',
  'HELP MAIL',
  '',
  'GET / HTTP/1.0',
  'Subject: hello',
  'EHLO',
  'HELO other.example',
  'EHLO [192.0.2.1]',
  'EHLO bad_name\t',
  'EHLO x ADDR=10.0.0.1',
  'HELO a+b=c\xe9',
  `EHLO ${'='.repeat(200)}`,
  'MAIL FROM:<c@d> SIZE=1',
  'MAIL FROM:c@d',
  'MAIL FROM:',
  'MAIL',
  'MAIL FROM:<\xc3\xa9@d>',
  'MAIL FROM:<\xc3\xa9@d> SMTPUTF8',
  'MAIL FROM:<\xc3@d> SMTPUTF8',
  'MAIL FROM:<c@d> BODY=BINARYMIME SMTPUTF8',
  'RCPT TO:<\xc3\xa9@example.test>',
  'RCPT TO:<\xff@example.test>',
  'RCPT TO:<b@other.test>',
  'RCPT TO:<b@other.test>x',
  'RCPT TO:b@other.test',
  'RCPT TO:<"b@other.test>"@example.test>',
  'RCPT TO:<b@Deep.OTHER.test.>',
  'RCPT TO:<other@elsewhere.test>',
  'RCPT TO:<"a>b"@example.test>',
  'RCPT TO:<@x:b@example.test>',
  'RCPT TO:postmaster <b@elsewhere.test>',
  'RCPT TO:<b@example.test> NOTIFY=NEVER',
  'DATA',
  'DATA x',
  'RSET',
  'QUIT',
  'NOOP \x01',
  'NOOP \0',
  'NOOP a\rRSET',
  'NOOP \xe9',
  'NOOP \x7f',
  '.',
  ' NOOP',
  `NOOP ${'x'.repeat(95)}`,
  `NOOP ${'x'.repeat(96)}`,
  `RCPT TO:<${'x'.repeat(2040)}@example.test>`,
]

export const endings: readonly string[] = ['\r\n', '\r\n', '\r\n', '\n', '\r\r\n', '\r', '\0\r\n', '\r\n\r\n', '']

/** What a message may be made of, with the tricks by which one could be made to look like two. */
export const fragments: readonly string[] = [
  'text\r\n',
  'a',
  '.',
  '..',
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\r\n.',
  '\n.\n',
  '\r.\r',
  '\n.\r\n',
  '\r\n.\n',
  '\r\n.\r\n',
  '.\r\n',
  '\r\n\0.\r\n',
  '\r\n.\r\0\n',
  '\xff',
  'MAIL FROM:<evil@example.org>\r\n',
  'RCPT TO:<evil@example.test>\r\n',
  'DATA\r\n',
  'RSET\r\n',
  'QUIT\r\n',
  'STARTTLS\r\n',
  'BDAT 3\r\n',
  'AUTH LOGIN\r\n',
  'XCLIENT ADDR=10.0.0.1\r\n',
]

/** What a client answers in the exchange of AUTH: some of it is a command anywhere else. */
export const responses: readonly string[] = [
  'dXNlcg==',
  '',
  '*',
  '=',
  'QUIT',
  'STARTTLS',
  'BDAT 3',
  'XCLIENT ADDR=10.0.0.1',
  'MAIL FROM:<a@example.org>',
  'DATA',
  'EHLO other.example',
  'AUTH PLAIN eA==',
  'a\0b',
  'a\rb',
  '\xff',
  '12345:',
]

export const negatives: readonly string[] = [
  '450 4.2.0 busy\r\n',
  '550 5.1.1 no such user\r\n',
  '550-5.7.1 go\r\n550 5.7.1 away\r\n',
  '421 4.3.2 closing\r\n',
  '554 5.0.0 no\r\n',
  '452 4.2.2 full\r\n',
]

/** What a backend says that is out of its mind, or says too early. */
export const odd: readonly string[] = [
  '250 ok\r\n',
  '250 ok\r\n250 ok again\r\n',
  '220 hello again\r\n',
  '354 go on\r\n',
  '334 VXNlcg==\r\n',
  '235 2.7.0 welcome\r\n',
  '220 ready\r\n250 injected\r\n',
  '334 \r\n334 \r\n',
  '221 bye\r\n',
  '421 leaving\r\n',
  '199 x\r\n',
  '250-open\r\n',
  '250\r\n',
  '250-\r\n250 \xff\0\r\n',
  '250 ok\r\r\n',
  '550 no\r\n550 no\r\n',
  '421 leaving\r\n250 ok\r\n',
  '250-a\r\n550 b\r\n',
  '25',
  'junk\r\n',
  '250 ok\n',
  '250 a\r250 b\r\n',
  '\r\n',
  '600 x\r\n',
  `250 ${'x'.repeat(5000)}\r\n`,
]

const ehlo = [
  'backend.example.test',
  'PIPELINING',
  'XCLIENT NAME ADDR',
  'STARTTLS',
  'AUTH PLAIN LOGIN EXTERNAL SCRAM-SHA-256-PLUS',
  'CHUNKING',
  'SMTPUTF8',
  'BURL',
  'SIZE 1000',
]

/** A legal reply; mostly the one that is hoped for. `choice`: below 24. */
export function replyTo(request: Request, choice: number): string {
  if (choice === 9) return '451 4.3.0 try later\r\n'
  const no = choice === 8
  switch (request.kind) {
    case 'connect':
      return no ? '554 no\r\n' : '220 backend ESMTP\r\n'
    case 'message':
      return no ? '554 5.6.0 no\r\n' : '250 2.0.0 Ok: queued as ABC123\r\n'
    case 'chunk':
      if (no) return '552 5.3.4 too big\r\n'
      return request.last ? '250 2.0.0 Ok: queued as ABC123\r\n' : `250 2.0.0 ${request.size} octets\r\n`
    case 'response':
      if (no || request.line === '*') return '535 5.7.8 no\r\n'
      return choice % 3 === 2 ? '334 UGFzc3dvcmQ6\r\n' : '235 2.7.0 welcome\r\n'
    case 'line':
      return replyToLine(request.verb, choice, no)
    default:
      request satisfies never
      return ''
  }
}

function replyToLine(verb: string, choice: number, no: boolean): string {
  switch (verb) {
    case 'EHLO': {
      const lines = choice === 7 ? ehlo.filter(line => line !== 'STARTTLS') : ehlo
      return lines.map((line, i) => `250${i === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('')
    }
    case 'XCLIENT':
      return '220 backend ESMTP once more\r\n'
    case 'STARTTLS':
      return no ? '454 4.7.0 not now\r\n' : '220 2.0.0 ready\r\n'
    case 'AUTH':
      if (no) return '535 5.7.8 no\r\n'
      return choice % 4 === 3 ? '235 2.7.0 welcome\r\n' : '334 VXNlcm5hbWU6\r\n'
    case 'DATA':
      return no ? '554 5.5.1 no valid recipients\r\n' : '354 go on\r\n'
    case 'QUIT':
      return '221 2.0.0 bye\r\n'
    case 'RCPT':
      return no ? '550 5.1.1 no such user\r\n' : '250 2.1.5 Ok\r\n'
    default:
      return '250-2.0.0 Yes\r\n250 2.0.0 Ok\r\n'
  }
}
