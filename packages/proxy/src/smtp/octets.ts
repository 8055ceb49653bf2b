/** The octets that SMTP's grammar turns on. */
export const NUL = 0x00
export const LF = 0x0a
export const CR = 0x0d
export const DOT = 0x2e

/**
 * Octets to a string, one character each (ISO 8859-1), and never anything else: UTF-8 decoding would turn an invalid octet
 * into U+FFFD, silently another address; TextDecoder's "latin1" is windows-1252. `length` is bounded by the callers, so the
 * spread never meets the engine's limit of arguments. A string made here owns its characters; a slice of a longer string
 * would keep the longer one alive.
 */
export function latin1(octets: Uint8Array, from: number, to: number): string {
  if (to - from <= 0) return ''
  if (to - from <= 4096) return String.fromCharCode.apply(null, octets.subarray(from, to) as unknown as number[])
  return latin1(octets, from, from + 4096) + latin1(octets, from + 4096, to)
}

/** What is shown of hostile text: control characters and non-ASCII as C escapes (postscreen's manner), cut at `limit`. */
export function printable(text: string, limit: number): string {
  if (/^[\x20-\x5b\x5d-\x7e]*$/.test(text)) return text.length <= limit ? text : text.slice(0, limit)
  let shown = ''
  for (let i = 0; i < text.length && i < limit; i++) {
    const code = text.charCodeAt(i)
    if (code === CR) shown += '\\r'
    else if (code === LF) shown += '\\n'
    else if (code === 0x09) shown += '\\t'
    else if (code === 0x5c) shown += '\\\\'
    else if (code < 0x20 || code > 0x7e) shown += `\\${code.toString(8).padStart(3, '0')}`
    else shown += text.charAt(i)
  }
  return shown
}

/** Whether a text of octets holds one above 127 (RFC 6531: only where the transaction says SMTPUTF8). */
export function hasEightBit(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return true
  return false
}

/** Whether a text of octets is UTF-8 (RFC 3629 4: no over-long form, no surrogate, nothing above U+10FFFF). */
export function isUtf8(text: string): boolean {
  return /^(?:[\0-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2})*$/.test(
    text,
  )
}

/**
 * What is noted of a client's octets for the log: whatever follows AUTH may be a password, and is not. Wherever the word stands:
 * the line that it begins may do so behind the last octet of a chunk.
 */
export function withoutSecrets(text: string): string {
  return text.replace(/(AUTH\b(?:[ \t]+[\w-]+)?)[\s\S]+$/i, '$1 ...')
}
