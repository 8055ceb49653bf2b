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
