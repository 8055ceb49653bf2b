import { type Bot, hear, heed, politely, say, stopped, unseen } from '../animal.ts'

export const starttlsInjector: Bot = {
  name: 'STARTTLS injector',
  about:
    'Sits between a client and the gate, and puts commands in the clear behind STARTTLS, to be heard as if in TLS.',
  named: 'generic',
  waves: [
    [
      {
        host: 7,
        steps: [
          ...politely('EHLO injector.example.net'),
          say('STARTTLS', 'EHLO injected.example.net', 'MAIL FROM:<news@bank.example>', 'RCPT TO:<user@example.test>'),
          ...[heed, { does: 'tls' } as const],
          ...['EHLO injector.example.net', 'MAIL FROM:<news@bank.example>', 'RCPT TO:<user@example.test>'].flatMap(
            line => [say(line), heed],
          ),
          ...[say('QUIT'), hear],
        ],
      },
    ],
  ],
  demand: unseen,
  expected: {
    gentle: stopped('450 to RCPT', ['pipelining'], 6),
    standard: stopped('450 to RCPT', ['pipelining'], 20),
    strict: stopped('450 to RCPT', ['pipelining'], 39),
  },
}
