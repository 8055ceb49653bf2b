import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type BackendWord, backendWords, type ReplyStage, wordOf } from '@sallyport/rules'
import fc from 'fast-check'
import { stopwatch } from '../support/stopwatch.ts'

type Row = readonly [stage: ReplyStage, expected: BackendWord, text: string]

/** As they are said; names and addresses are from the documentation's ranges. */
const said: { readonly [server: string]: readonly Row[] } = {
  Postfix: [
    ['mail', 'accepted', '250 2.1.0 Ok'],
    ['rcpt', 'accepted', '250 2.1.5 Ok'],
    ['dot', 'accepted', '250 2.0.0 Ok: queued as 4XyZ12'],
    [
      'rcpt',
      'unknown user',
      '550 5.1.1 <x@example.org>: Recipient address rejected: User unknown in local recipient table',
    ],
    [
      'rcpt',
      'unknown user',
      '550 5.1.1 <x@example.org>: Recipient address rejected: User unknown in virtual mailbox table',
    ],
    [
      'rcpt',
      'unknown user',
      '550 5.1.1 <x@example.org>: Recipient address rejected: undeliverable address: unknown user',
    ],
    [
      'rcpt',
      'policy',
      '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; see https://www.spamhaus.org/',
    ],
    ['rcpt', 'policy', '554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied'],
    ['rcpt', 'policy', '550 5.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]'],
    ['rcpt', 'policy', '504 5.5.2 <spam>: Helo command rejected: need fully-qualified hostname'],
    ['rcpt', 'relay denied', '554 5.7.1 <x@example.org>: Relay access denied'],
    ['rcpt', 'sender', '550 5.1.8 <x@nowhere.example>: Sender address rejected: Domain not found'],
    ['mail', 'sender', '550 5.1.7 <x>: Sender address rejected: Domain not found'],
    [
      'rcpt',
      'sender',
      '550 5.7.23 <x@example.org>: Recipient address rejected: Message rejected due to: SPF fail - not authorized',
    ],
    [
      'rcpt',
      'temporary',
      '450 4.2.0 <x@example.org>: Recipient address rejected: Greylisted, see http://postgrey.example/',
    ],
    ['rcpt', 'temporary', '450 4.1.8 <x@nowhere.example>: Sender address rejected: Domain not found'],
    ['rcpt', 'temporary', '452 4.5.3 Error: too many recipients'],
    ['rcpt', 'temporary', '451 4.3.0 <x@example.org>: Temporary lookup failure'],
    ['dot', 'temporary', '452 4.3.1 Insufficient system storage'],
    ['dot', 'size', '552 5.3.4 Error: message file too big'],
    ['mail', 'size', '552 5.3.4 Message size exceeds fixed limit'],
    ['dot', 'content', '550 5.7.1 message content rejected'],
    ['dot', 'content', '550 5.7.1 We do not want that'],
    ['rcpt', 'quota', '552 5.2.2 <x@example.org>: Recipient address rejected: Mailbox is full / Quota exceeded'],
  ],
  Exim: [
    ['dot', 'accepted', '250 OK id=1abcde-000001-AB'],
    ['rcpt', 'unknown user', '550 Unrouteable address'],
    ['rcpt', 'unknown user', '550 Unknown user'],
    ['rcpt', 'relay denied', '550 relay not permitted'],
    ['rcpt', 'sender', '550-Verification failed for <x@nowhere.example>\r\n550 Sender verify failed'],
    ['rcpt', 'policy', '550 rejected because 192.0.2.1 is in a black list at zen.spamhaus.org'],
    ['dot', 'content', '550 This message contains malware (Eicar-Signature)'],
    ['dot', 'content', '550 This message scored 12.3 spam points.'],
    ['mail', 'size', '552 Message size exceeds maximum permitted'],
    ['rcpt', 'other', '550 Administrative prohibition'],
    ['dot', 'other', '550 Administrative prohibition'],
  ],
  Sendmail: [
    ['dot', 'accepted', '250 2.0.0 48B1AbCd012345 Message accepted for delivery'],
    ['rcpt', 'unknown user', '550 5.1.1 <x@example.org>... User unknown'],
    ['rcpt', 'relay denied', '550 5.7.1 <x@example.org>... Relaying denied. IP name lookup failed [192.0.2.1]'],
    ['mail', 'sender', '553 5.1.8 <x@nowhere.example>... Domain of sender address x@nowhere.example does not exist'],
    ['mail', 'size', '552 5.2.3 Message exceeds maximum fixed size (10000000)'],
    ['dot', 'content', '554 5.7.1 Command rejected'],
    ['dot', 'content', '550 5.7.1 virus Eicar-Test-Signature detected by ClamAV - http://www.clamav.net'],
    ['rcpt', 'quota', '552 5.2.2 <x@example.org>... Mailbox full'],
  ],
  OpenSMTPD: [
    ['dot', 'accepted', '250 2.0.0 1a2b3c4d Message accepted for delivery'],
    ['rcpt', 'unknown user', '550 Invalid recipient: <x@example.org>'],
    ['dot', 'size', '554 5.3.4 Message too big for system'],
    ['dot', 'content', '550 5.7.1 Spam detected'],
  ],
  Exchange: [
    ['rcpt', 'unknown user', '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup'],
    [
      'rcpt',
      'unknown user',
      '550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [x.protection.outlook.com]',
    ],
    ['rcpt', 'relay denied', '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain'],
    ['rcpt', 'relay denied', '550 5.7.1 Unable to relay'],
    ['rcpt', 'quota', '554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException'],
    ['rcpt', 'policy', '550 5.7.606 Access denied, banned sending IP [192.0.2.1]'],
    ['dot', 'content', '550 5.7.1 Message rejected as spam by Content Filtering.'],
  ],
  Gmail: [
    [
      'rcpt',
      'unknown user',
      '550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n550-5.1.1 double-checking the address\r\n550 5.1.1  https://support.google.com/mail/?p=NoSuchUser - gsmtp',
    ],
    [
      'dot',
      'sender',
      '550-5.7.26 This mail has been blocked because the sender is unauthenticated.\r\n550 5.7.26 - gsmtp',
    ],
    [
      'dot',
      'content',
      '550-5.7.1 [192.0.2.1      12] Our system has detected that this message is\r\n550-5.7.1 likely unsolicited mail. To reduce the amount of spam sent to Gmail,\r\n550 5.7.1 this message has been blocked. - gsmtp',
    ],
    ['rcpt', 'quota', "552-5.2.2 The recipient's inbox is out of storage space\r\n552 5.2.2 - gsmtp"],
    ['rcpt', 'quota', "452-4.2.2 The recipient's inbox is out of storage space\r\n452 4.2.2 - gsmtp"],
    [
      'dot',
      'content',
      '552-5.7.0 This message was blocked because its content presents a potential\r\n552 5.7.0 security issue. - gsmtp',
    ],
    ['dot', 'size', "552-5.3.4 Your message exceeded Google's message size limits.\r\n552 5.3.4 - gsmtp"],
    [
      'dot',
      'policy',
      '550-5.7.25 The IP address sending this message does not have a PTR record\r\n550 5.7.25 setup - gsmtp',
    ],
    ['dot', 'temporary', '421-4.7.28 Gmail has detected an unusual rate of unsolicited mail\r\n421 4.7.28 - gsmtp'],
  ],
  amavis: [
    ['dot', 'content', '554 5.7.0 Reject, id=12345-01 - SPAM'],
    ['dot', 'content', '554 5.7.0 Reject, id=12345-02 - INFECTED: Eicar-Signature'],
    ['dot', 'content', '554 5.7.0 Bounce, id=12345-03 - BANNED: .exe'],
    ['dot', 'temporary', '451 4.5.0 Error in processing, id=12345-04'],
  ],
  rspamd: [
    ['dot', 'content', '554 5.7.1 Spam message rejected'],
    ['dot', 'content', '554 5.7.1 Gtube pattern'],
    ['dot', 'temporary', '451 4.7.1 Try again later'],
  ],
  'milters of SpamAssassin': [
    ['dot', 'content', '550 5.7.1 Blocked by SpamAssassin'],
    ['dot', 'content', '554 5.7.1 Message was refused: spam'],
  ],
}

for (const [server, rows] of Object.entries(said)) {
  test(`the words of ${server}`, () => {
    for (const [stage, expected, text] of rows) {
      assert.equal(wordOf(stage, Number(text.slice(0, 3)), `${text}\r\n`), expected, `${stage}: ${text}`)
    }
  })
}

const stages = fc.constantFrom<ReplyStage>('mail', 'rcpt', 'dot')
const words = fc.array(
  fc.constantFrom('550 5.7.1', 'spam', 'relay', 'user unknown', 'quota', '\r\n', 'client host', '5.1.1'),
)

test('only a final refusal can be held against anybody, and content is refused at the end of data alone', () => {
  fc.assert(
    fc.property(stages, fc.integer({ min: 200, max: 599 }), words, (stage, code, pieces) => {
      const word = wordOf(stage, code, `${code} ${pieces.join(' ')}\r\n`)
      assert.ok(backendWords.includes(word))
      assert.equal(word === 'accepted', code < 400)
      if (code < 500) assert.ok(['accepted', 'temporary', 'quota'].includes(word))
      if (word === 'content') assert.equal(stage, 'dot')
      if (word === 'unknown user') assert.notEqual(stage, 'mail')
    }),
  )
})

test('a reply of the greatest length that a backend may send is read in little time', () => {
  const took = stopwatch()
  for (let i = 0; i < 100; i++) wordOf('dot', 550, `550 ${'mailbox user message '.repeat(3000)}`)
  assert.ok(took() < 500)
})
