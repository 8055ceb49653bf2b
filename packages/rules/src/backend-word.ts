/** Which command of a transaction a backend's reply answers: MAIL, RCPT, the end of data. */
export type ReplyStage = 'mail' | 'rcpt' | 'dot'

/**
 * What a backend's reply says.
 *  - `accepted`: 2xx;
 *  - `unknown user`: no such mailbox here, for good;
 *  - `content`: it does not want this message, for what is in it;
 *  - `policy`: it does not want this client: a list, its name, its HELO;
 *  - `sender`: it does not want this sender, or what the sender's domain says of the client (SPF, DMARC);
 *  - `quota`, `size`: the mailbox is full, the message is too large;
 *  - `relay denied`: it does not carry mail to there;
 *  - `temporary`: 4xx, whatever the reason: trouble of its own, greylisting, a limit;
 *  - `other`: 5xx for a reason that could not be told.
 */
export const backendWords = [
  'accepted',
  'unknown user',
  'content',
  'policy',
  'quota',
  'temporary',
  'size',
  'relay denied',
  'sender',
  'other',
] as const
export type BackendWord = (typeof backendWords)[number]

/** How often the backends of one session have said what, and to which command. */
export type BackendReplies = { readonly [Stage in ReplyStage]: { [Word in BackendWord]?: number } }

/** Beyond so many characters nothing is looked for: the reason stands in the first lines. */
const looked = 1000

const enhancedCode = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})(?![\d.])/

/*
 * The words of Postfix, Exim, Sendmail, OpenSMTPD, Exchange, Gmail, amavis, rspamd and SpamAssassin's milters
 * (test/rules/backend-word.test.ts has them as they are said). Where two fit, the first in `wordOf` counts.
 *
 * Not taken: the enhanced code alone (RFC 3463). 5.7.1 is said of relaying, of lists, of content and of senders, and
 * Exim by default says no enhanced code at all.
 */
const relay =
  /relay(?:ing)?(?: access)? (?:denied|prohibited|not (?:permitted|allowed))|(?:unable|not permitted) to relay/i
const unknownUser =
  /user unknown|unknown (?:user|local|recipient|mailbox)|no such (?:user|mailbox|recipient|person)|unrouteable address|invalid (?:recipient|mailbox)|recipient ?(?:not found|unknown)|(?:user|account|mailbox)[^.]{0,60}(?:does not exist|doesn't exist|not found|unavailable)|recipient address rejected: access denied|does not like recipient|not our customer/i
const quota = /quota|(?:mailbox|mail box|inbox)[^.]{0,30}(?:full|exceeded)/i
const size = /message[^.]{0,30}(?:too (?:large|big|long)|exceed)|too big for|size limit|file too big/i
const client =
  /client host|blocked using|black ?list|block ?list|deny ?list|dnsbl|\brbl\b|\blisted (?:in|at|by|on)\b|banned sending ip|(?:ip|sender|poor|bad|low) reputation|\bptr\b|reverse (?:dns|host ?name|lookup)|(?:helo|ehlo) command rejected|your (?:ip|host|server|network)|sending ip/i
const sender =
  /sender (?:address|domain|verify|is unauthenticated|denied|rejected|policy)|domain of sender|\bspf\b|\bdmarc\b|\bdkim\b|unauthenticated|return(?:-| )path/i
const content =
  /\bspam|unsolicited|\bube\b|virus|infected|malware|phish|\bbanned\b|content|eicar|gtube|message (?:was )?(?:rejected|refused|blocked)|command rejected|prohibited (?:header|body)/i

/** By the enhanced code, without its class; what is said with it decides only where it is not here. */
const codes: Readonly<Record<string, BackendWord>> = {
  '1.1': 'unknown user',
  '1.6': 'unknown user',
  '1.10': 'unknown user',
  '2.1': 'unknown user',
  '1.7': 'sender',
  '1.8': 'sender',
  '7.20': 'sender',
  '7.21': 'sender',
  '7.22': 'sender',
  '7.23': 'sender',
  '7.24': 'sender',
  '7.26': 'sender',
  '7.27': 'sender',
  '2.2': 'quota',
  '2.3': 'size',
  '3.4': 'size',
  '7.25': 'policy',
  '7.606': 'policy',
  '7.54': 'relay denied',
}

/** What the backend says with a final reply to a command; `text`: the whole reply, its lines with their codes. */
export function wordOf(stage: ReplyStage, code: number, text: string): BackendWord {
  if (code < 400) return 'accepted'
  const said = text.slice(0, looked)
  const enhanced = enhancedCode.exec(said)?.[1]?.slice(2) ?? ''
  if (code < 500) return enhanced === '2.2' || quota.test(said) ? 'quota' : 'temporary'
  const byCode = codes[enhanced]
  if (byCode !== undefined && !(byCode === 'unknown user' && stage === 'mail')) return byCode
  if (relay.test(said)) return 'relay denied'
  if (stage !== 'mail' && unknownUser.test(said)) return 'unknown user'
  if (client.test(said)) return 'policy'
  if (sender.test(said)) return 'sender'
  if (quota.test(said)) return 'quota'
  if (size.test(said)) return 'size'
  if (stage === 'dot') return content.test(said) || enhanced.startsWith('7.') ? 'content' : 'other'
  return stage === 'mail' ? 'sender' : 'other'
}
