/** A letter in braces: what it stands for, cut into parts and put together again (RFC 7208 7.1). */
export interface Macro {
  readonly letter: MacroLetter
  /** How many of the parts are kept, counted from the right; 0: all. */
  readonly keep: number
  readonly reversed: boolean
  /** What stands between the parts. */
  readonly delimiters: string
  /** It was a capital: characters that a URL cannot hold are escaped. */
  readonly escaped: boolean
}

/** Text as it is, and macros in it. */
export type MacroString = readonly (string | Macro)[]

const letters = ['s', 'l', 'o', 'd', 'i', 'p', 'v', 'h', 'c', 'r', 't'] as const
export type MacroLetter = (typeof letters)[number]

/** Those that only an explanation may use. */
const onlyInText: readonly MacroLetter[] = ['c', 'r', 't']

const shorthands: Readonly<Record<string, string>> = { '%%': '%', '%_': ' ', '%-': '%20' }

/**
 * Reads a macro-string (RFC 7208 7.1); null: its syntax is wrong. `text`: it is an explanation, which may hold spaces, too, and
 * letters of its own.
 */
export function parseMacros(written: string, text = false): MacroString | null {
  const parts: (string | Macro)[] = []
  const token = /%\{([a-z])(\d{0,9})(r?)([.\-+,/_=]*)\}|(%[%_-])|([!-$&-~ ]+)/iy
  while (token.lastIndex < written.length) {
    const found = token.exec(written)
    if (found === null) return null
    const [, letter, digits = '', r, delimiters, shorthand, literal] = found
    if (letter === undefined) {
      if (!text && literal?.includes(' ')) return null
      parts.push(literal ?? shorthands[shorthand ?? ''] ?? '')
      continue
    }
    const known = letters.find(one => one === letter.toLowerCase())
    // Some digits that are no number would keep nothing at all.
    if (known === undefined || (digits !== '' && Number(digits) === 0)) return null
    if (!text && onlyInText.includes(known)) return null
    parts.push({
      letter: known,
      keep: Number(digits),
      reversed: r !== '',
      delimiters: delimiters === undefined || delimiters === '' ? '.' : delimiters,
      escaped: letter !== known,
    })
  }
  return parts
}

/** What may stand behind the last dot of a name (toplabel): letters, digits and inner hyphens, and not digits alone. */
const topLabel = /^(?=.*[a-z-])[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i

/** Reads a domain-spec: a macro-string that ends in a macro or in the name of a top-level domain below which something stands. */
export function parseDomainSpec(written: string): MacroString | null {
  const parts = parseMacros(written)
  if (parts === null || parts.length === 0) return null
  // Shorthands are macros, too.
  if (/(?:\}|%[%_-])$/.test(written)) return parts
  const name = written.endsWith('.') ? written.slice(0, -1) : written
  const dot = name.lastIndexOf('.')
  return dot >= 0 && topLabel.test(name.slice(dot + 1)) ? parts : null
}

/** Whether the letter occurs. */
export function mentions(parts: MacroString, letter: MacroLetter): boolean {
  return parts.some(part => typeof part !== 'string' && part.letter === letter)
}

/** Puts the values in the places of the letters. */
export function expandMacros(parts: MacroString, value: (letter: MacroLetter) => string): string {
  return parts.map(part => (typeof part === 'string' ? part : expandMacro(part, value(part.letter)))).join('')
}

function expandMacro({ keep, reversed, delimiters, escaped }: Macro, value: string): string {
  let parts: string[] = ['']
  for (const character of value) {
    if (delimiters.includes(character)) parts.push('')
    else parts[parts.length - 1] += character
  }
  if (reversed) parts.reverse()
  if (keep > 0) parts = parts.slice(-keep)
  const text = parts.join('.')
  return escaped ? percentEncoded(text) : text
}

/** All but the unreserved characters of RFC 3986 2.3. The value is of octets (latin1). */
function percentEncoded(text: string): string {
  return text.replace(
    /[^A-Za-z0-9\-._~]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}
