// A message by which is seen whether every octet arrives.

/** With these there is nothing that a server would add to the message itself. */
export const headOf = (subject: string, from: string, to: string): readonly string[] => [
  `From: ${from}`,
  `To: ${to}`,
  `Subject: ${subject}`,
  'Date: Sat, 21 Nov 2026 10:00:00 +0000',
  `Message-Id: <${subject}@${from.replace(/.*@/, '')}>`,
  '',
]

/**
 * What proxies get wrong: dots at the beginning of lines, lines beyond 998 octets, octets above 127, space at ends.
 * `long`: a line as long as the server behind lets one be.
 */
export const trickyLines = (long: string): readonly string[] => [
  '.',
  '..',
  '.leading dot',
  '...three',
  'x'.repeat(998),
  long,
  Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i)).join(''),
  'trailing space   ',
  '\ttab',
  '',
  '',
  'From here on, and -- ',
]

/** Lines as DATA carries them (RFC 5321 4.5.2). */
export const stuffed = (lines: readonly string[]): string =>
  lines.map(line => `${line.startsWith('.') ? '.' : ''}${line}\r\n`).join('')
