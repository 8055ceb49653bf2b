import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { systemCodeOf } from '../error.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A secret is a line; this is room for a key file as well. */
const largest = 64 * 1024

/**
 * Puts the environment (`${NAME}`) and files (`${file:/run/secrets/x}`, without the line end at its end) into a text value;
 * `$${` is a plain `${`. No defaults and no nesting: what a value is should be seen where it stands. Problems name the
 * variable or the file, never what is in it.
 */
export function fillIn(text: string, env: Environment): { readonly value: string } | { readonly problem: string } {
  let value = ''
  let rest = text
  for (let at = rest.indexOf('${'); at >= 0; at = rest.indexOf('${')) {
    const isPlain = rest[at - 1] === '$'
    value += isPlain ? `${rest.slice(0, at - 1)}\${` : rest.slice(0, at)
    rest = rest.slice(at + 2)
    if (isPlain) continue
    const end = rest.indexOf('}')
    const part = end < 0 ? null : fillOne(rest.slice(0, end), env)
    if (part === null) return { problem: `write \${NAME} or \${file:/path}, or $\${ for a plain \${` }
    if ('problem' in part) return part
    value += part.value
    rest = rest.slice(end + 1)
  }
  return { value: value + rest }
}

function fillOne(name: string, env: Environment): { readonly value: string } | { readonly problem: string } | null {
  if (name.startsWith('file:')) return readSecret(name.slice('file:'.length))
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,255}$/.test(name)) return null
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  return value === undefined
    ? { problem: `the environment has no ${name}: set it, or write the value here` }
    : { value }
}

function readSecret(path: string): { readonly value: string } | { readonly problem: string } {
  if (!isAbsolute(path) || path.includes('\0')) return { problem: `a file is named by its whole path: \${file:/path}` }
  try {
    // Without waiting: a pipe that nobody writes to would hold the start for ever.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const found = fstatSync(file)
      if (!found.isFile()) return { problem: 'that is no regular file: name one that holds the value' }
      if (found.size > largest) return { problem: 'that file is larger than 64 KiB: name one that holds the value' }
      return { value: readFileSync(file, 'utf8').replace(/\r?\n$/, '') }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return { problem: `that file cannot be read (${systemCodeOf(error)}): write it, or give the right to read it` }
  }
}
