import { type Bot, envelope, message, say, stopped, unseen } from '../animal.ts'

const head = { helo: 'browser.example.net', from: 'news@bank.example', to: 'user@example.test' }
const body = [...envelope(head), ...message('You have won', 'Call now.'), 'QUIT']

export const httpAbuser: Bot = {
  name: 'HTTP abuser',
  about: 'A browser that a page has made post a form to port 25, with SMTP for the form.',
  named: 'generic',
  waves: [
    [
      {
        host: 7,
        steps: [
          say('POST / HTTP/1.1', 'Host: mx.example.test:25', 'Content-Type: text/plain', '', ...body),
          { does: 'listen', ms: 20_000 },
        ],
      },
    ],
  ],
  demand: unseen,
  expected: {
    gentle: stopped('521 to POST', ['non-smtp-command'], 0),
    standard: stopped('521 to POST', ['non-smtp-command'], 0),
    strict: stopped('521 to POST', ['non-smtp-command'], 0),
  },
}
