// Whoever starts something in a test says who owns it, and it goes when its owner ends, however that happens.

import { mkdtempSync, rmSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A test's context (`t`) for what one test needs. For what all tests of a file share, `{ after }` of node:test at the top level:
 * `const postfix = await startPostfix({ after })`. Not inside a `before` hook: what is given to `after` there is called when the
 * hook ends (Node 20), before the first test.
 */
export interface Owner {
  after(undo: () => Promise<void> | void): void
}

export type Undo = () => Promise<void> | void

const undone = new WeakMap<Owner, Undo[]>()

/**
 * Has `undo` called when the owner ends, the latest first: a program is stopped before its directory is removed. node:test runs
 * its own `after` hooks in the order they were given, which is the wrong one for things that stand on each other.
 * All are called even if one throws; the first error fails the owner.
 */
export function undoAfter(owner: Owner, undo: Undo): void {
  const known = undone.get(owner)
  if (known !== undefined) {
    known.push(undo)
    return
  }
  const stack = [undo]
  undone.set(owner, stack)
  owner.after(() => undoAll(stack))
}

async function undoAll(stack: Undo[]): Promise<void> {
  const errors: unknown[] = []
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    try {
      await next()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}

/** Does what is no test's, with an owner that ends when the work does; what was given to it is undone as by `undoAfter`. */
export async function owning<T>(work: (owner: Owner) => Promise<T>): Promise<T> {
  const stack: Undo[] = []
  try {
    return await work({ after: undo => void stack.push(undo) })
  } finally {
    await undoAll(stack)
  }
}

/** What must also happen when the test process ends before its owners do: an uncaught error, Ctrl-C, the runner's time limit. */
const atExit = new Set<() => void>()
let watching = false

/** Has `undo` (synchronous) called at the process's end, unless the returned function is called first. */
export function undoAtExit(undo: () => void): () => void {
  if (!watching) {
    watching = true
    process.once('exit', () => {
      for (const each of atExit) each()
    })
    process.once('SIGINT', () => process.exit(130))
    process.once('SIGTERM', () => process.exit(143))
  }
  atExit.add(undo)
  return () => atExit.delete(undo)
}

/** A new directory which other users may enter (Postfix and rbldnsd drop root), removed with all it holds when the owner ends. */
export async function tempDirectory(owner: Owner, name: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), `sallyport-${name}-`))
  const remove = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 })
  const forget = undoAtExit(remove)
  undoAfter(owner, () => {
    forget()
    remove()
  })
  await chmod(directory, 0o755)
  return directory
}
