import { CR, DOT, LF, NUL } from './octets.ts'

/** The octets as words of four, from the boundary of words before the first on. */
export function wordsOf(octets: Uint8Array): Int32Array {
  const shift = octets.byteOffset & 3
  return new Int32Array(octets.buffer, octets.byteOffset - shift, (shift + octets.length) >> 2)
}

/**
 * From a place in a line on over everything clean: to behind the last CRLF before a dot, to the bare CR, bare LF or NUL that
 * must be looked at, or to the end. Four octets at a time are looked at for one below 14, which text between newlines has
 * none of but tabs ("Determine if a word has a byte less than n", Bit Twiddling Hacks); a search for CR, LF and NUL each
 * costs a call into the engine for every line, twice as much.
 */
export function skipClean(octets: Uint8Array, words: Int32Array, from: number): number {
  const length = octets.length
  const shift = octets.byteOffset & 3
  let i = from
  for (;;) {
    i = nextControl(octets, words, shift, i)
    if (i === length) return length
    const octet = octets[i]
    if (octet === CR && i + 1 < length && octets[i + 1] === LF) {
      i += 2
      if (i === length || octets[i] === DOT || octets[i] === NUL) return i
    } else if (octet === CR || octet === LF || octet === NUL) return i
    else i++
  }
}

/** The place of the next octet below 14; the length where there is none. */
function nextControl(octets: Uint8Array, words: Int32Array, shift: number, from: number): number {
  const length = octets.length
  let i = from
  while (((i + shift) & 3) !== 0 && i < length) {
    if ((octets[i] as number) < 14) return i
    i++
  }
  let word = (i + shift) >> 2
  const end = words.length
  while (word < end) {
    const four = words[word] as number
    if ((((four - 0x0e0e0e0e) | 0) & ~four & 0x80808080) !== 0) break
    word++
  }
  i = Math.max(i, (word << 2) - shift)
  while (i < length && (octets[i] as number) >= 14) i++
  return i
}
