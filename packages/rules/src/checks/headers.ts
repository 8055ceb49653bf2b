import { check, fail, todo } from '../check.ts'

/**
 * What is looked at is the header alone, up to 64 KiB, as it goes by, in messages of DATA and of BDAT alike. For the text only the
 * number of its NULs is a fact (`nuls`): where they lie within the header they are taken out before it is looked at.
 */
export const headers = check({
  name: 'headers',
  about:
    'The header of a message is not as RFC 5322 has it: none at all, no From or Date, several of what there may be one of, a line that ' +
    'is no field or longer than 998 octets, 8-bit octets without SMTPUTF8.',
  mistakes:
    'Scripts, devices and old programs, which leave From and Date to the first server; senders of raw 8-bit subjects. Hence only observed.',
  source: 'RFC 5322 2.1.1, 2.2, 3.6 and 4; RFC 6532',
  settles: 'message',
  action: 'observe',
  again: null,
  points: 1,
  ttl: 0,
  options: {},
  words: { enhanced: '6.0', text: 'Message header is not as RFC 5322 has it' },
  test: ({ headerFaults }) => (headerFaults === null ? todo : fail(headerFaults)),
})
