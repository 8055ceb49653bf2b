import type { Request } from './backend-view.ts'

/** Lines that no good client sends, or not here. */
export const badLines: readonly string[] = [
  'NOOP',
  'HELP',
  'VRFY x',
  'EXPN list',
  'ETRN example.test',
  'AUTH PLAIN AGEAYg==',
  'STARTTLS',
  'XCLIENT ADDR=10.0.0.1',
  'XFORWARD NAME=x',
  'BDAT 3',
  'BDAT 0 LAST',
  'FOO',
  '',
  'GET / HTTP/1.0',
  'Subject: hello',
  'EHLO',
  'HELO other.example',
  'EHLO [192.0.2.1]',
  'EHLO bad_name\t',
  'MAIL FROM:<c@d> SIZE=1',
  'MAIL FROM:c@d',
  'MAIL FROM:',
  'MAIL',
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
  '221 bye\r\n',
  '421 leaving\r\n',
  '199 x\r\n',
  '250-open\r\n',
  '250-a\r\n550 b\r\n',
  '25',
  'junk\r\n',
  '250 ok\n',
  '250 a\r250 b\r\n',
  '\r\n',
  '600 x\r\n',
  `250 ${'x'.repeat(5000)}\r\n`,
]

/** A legal reply; mostly the one that is hoped for. */
export function replyTo(request: Request, choice: number): string {
  if (choice === 9) return '451 4.3.0 try later\r\n'
  if (request.kind === 'connect') return choice === 8 ? '554 no\r\n' : '220 backend ESMTP\r\n'
  if (request.kind === 'message') return choice === 8 ? '554 5.6.0 no\r\n' : '250 2.0.0 Ok: queued as ABC123\r\n'
  switch (request.verb) {
    case 'EHLO':
      return '250-backend.example.test\r\n250-PIPELINING\r\n250-XCLIENT NAME ADDR\r\n250-STARTTLS\r\n250 SIZE 1000\r\n'
    case 'XCLI':
      return '220 backend ESMTP\r\n'
    case 'DATA':
      return choice === 8 ? '554 5.5.1 no valid recipients\r\n' : '354 go on\r\n'
    case 'QUIT':
      return '221 2.0.0 bye\r\n'
    case 'RCPT':
      return choice === 8 ? '550 5.1.1 no such user\r\n' : '250 2.1.5 Ok\r\n'
    default:
      return '250-2.0.0 Yes\r\n250 2.0.0 Ok\r\n'
  }
}
