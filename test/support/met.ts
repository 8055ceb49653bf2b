/** What sessions may come by. */
const things = [
  'greeted by the backend',
  'opened for greeting',
  'opened for MAIL',
  'opened for RCPT',
  'opened for AUTH',
  'opened for ETRN',
  'opened for STARTTLS',
  'opened for VRFY',
  'opened for HELP',
  'opened for EXPN',
  'opened for another verb',
  'opened the other group',
  'postmaster of one who failed',
  'reopened',
  'client told by XCLIENT',
  'STARTTLS accepted',
  'TLS with the client',
  'TLS with the backend',
  'passed through',
  'octets passed through',
  'message accepted',
  'message refused',
  'message mended',
  'a second message accepted',
  'chunk answered',
  'last chunk answered',
  'chunk of no octets',
  'chunk swallowed',
  'RSET amid chunks',
  'logged in at once',
  'logged in by an answer',
  'login refused',
  'next round of AUTH',
  'answer relayed',
  'answer became a star',
  'password kept out of the log',
  'forbidden verb refused',
  'line of no text refused',
  'recipient of another group put off',
  'address of 8 bit refused',
  'address in UTF-8 relayed',
  'left by the backend with 421',
  'answered with half of it closed',
] as const

export type Thing = (typeof things)[number]

/** How often the sessions of the properties have come by what: a property that never does says nothing of it. */
export const met = new Map<Thing, number>(things.map(thing => [thing, 0]))

export const meet = (thing: Thing): void => void met.set(thing, (met.get(thing) ?? 0) + 1)
