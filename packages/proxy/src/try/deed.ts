/** What the client of a script may do; the language is told in script.ts. */
export const deeds = ['C:', 'C~', 'C|', 'end', 'broken'] as const

/** What the client does. */
export interface Deed {
  readonly line: number
  /** Milliseconds from the connection; null: as soon as it has its reply. */
  readonly at: number | null
  readonly what: (typeof deeds)[number]
  readonly text: string
}

/** The octets of a deed, escapes undone. */
export function octetsOf({ what, text }: Deed): Buffer {
  return Buffer.from(what === 'C~' ? unescaped(text) : `${text}\r\n`, 'latin1')
}

function unescaped(text: string): string {
  const octets: Readonly<Record<string, string>> = { r: '\r', n: '\n', 0: '\0', '\\': '\\' }
  return text.replace(/\\(r|n|0|\\|x[0-9a-f]{2})(?:\{(\d+)\})?/gi, (_, code: string, times = '1') => {
    const octet = octets[code] ?? String.fromCharCode(Number.parseInt(code.slice(1), 16))
    return octet.repeat(Number(times))
  })
}
