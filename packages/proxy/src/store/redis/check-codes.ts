/*
 * The checks whose results are remembered, each with the letter that stands for it in a client's record in Redis. A letter is for
 * ever: it is never changed, nor given to another check, for gates of several versions read the same records. A check that is not
 * here, as an operator's own, stands there with its name; nothing has to be entered for a new one.
 */
const codes: ReadonlyMap<string, string> = new Map([
  ['bare-newline', 'b'],
  ['commands', 'c'],
  ['dnsbl', 'd'],
  ['generic-name', 'g'],
  ['greylist', 'y'],
  ['helo-syntax', 'h'],
  ['no-reverse-name', 'n'],
  ['non-smtp-command', 's'],
  ['pipelining', 'p'],
  ['pregreet', 'e'],
  ['reverse-mismatch', 'r'],
  ['smuggling', 'm'],
  ['trap-recipient', 't'],
])

const names = new Map([...codes].map(([name, code]) => [code, name]))

/** What stands in a record: a letter, or `=name;`; `!` before it: failed. */
const token = /!?(?:=[^;]*;|[a-zA-Z])/g

/** A name that stands whole is not longer, and has nothing in it that ends a token or a list of them. */
const whole = /^[^\s;]{1,62}$/

/** How a check that was passed, or failed, stands in a record; null: no check is named so. */
export function tokenOf(name: string, isFailed: boolean): string | null {
  const code = codes.get(name) ?? (whole.test(name) ? `=${name};` : null)
  return code === null || !isFailed ? code : `!${code}`
}

/** The checks that a list of tokens names; what is none, or a letter of a later version, is left out. */
export function* checksOf(tokens: string): Generator<{ readonly name: string; readonly isFailed: boolean }> {
  for (const [text] of tokens.matchAll(token)) {
    const isFailed = text.startsWith('!')
    const code = isFailed ? text.slice(1) : text
    const name = code.startsWith('=') ? code.slice(1, -1) : names.get(code)
    if (name !== undefined && name !== '') yield { name, isFailed }
  }
}
