import { check, fail, todo } from '../check.ts'

/**
 * The size that MAIL declares may be an estimate, and a server may take more (RFC 1870 6.3); so only what is beyond any estimate fails.
 * A LF that was mended counts as one octet, as it does where the file is. Known at the end of the message, before the backend has it.
 */
export const messageSize = check({
  name: 'message-size',
  about: 'A message was larger than its MAIL had declared (SIZE), or than the backend says that it takes.',
  mistakes:
    'Programs that count the octets of a file with short lines ending in LF, and send CR LF; such as declare the text alone, ' +
    'and a large header comes before it.',
  source: 'RFC 1870 4, 5 and 6.3',
  settles: 'message',
  action: 'observe',
  again: null,
  points: 1,
  ttl: 0,
  options: {
    slack: {
      value: 10,
      min: 0,
      max: 1000,
      about: 'By how much a message may be larger than was declared, in per cent of that; 4 KiB are always forgiven.',
    },
  },
  words: { enhanced: '3.4', text: 'Message is larger than was declared' },
  test({ messageSize: size, sizeLimit, declaredSize, sentSize }, { slack }) {
    if (sizeLimit !== null) return fail(`${size} octets, where ${sizeLimit} are taken`)
    if (declaredSize === null || sentSize <= declaredSize * (1 + slack / 100)) return todo
    return fail(`${sentSize} octets, where ${declaredSize} were declared`)
  },
})
