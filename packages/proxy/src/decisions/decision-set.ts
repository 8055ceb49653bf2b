import { type FileHandle, open, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { codeOf } from '../error.ts'

/*
 * The files of one name: the one that is written, and those that are full, which are `NAME.20261121T164345.123Z-k3x9`: the UTC at which
 * they became full, and four characters so that two gates never choose the same. By their names they are in order of time.
 *
 * Not taken: NAME.1, NAME.2 and so on, where each rotation renames all of them: two gates that do so at the same time, or one that is
 * killed in between, lose a file, and whoever reads meanwhile reads one twice and another not at all.
 */
const suffix = /^\.\d{8}T\d{6}\.\d{3}Z-[0-9a-z]{4}$/

/** The name for a file that is full. `time`: ms since 1970; `mark`: four letters or digits. */
export function fullName(path: string, time: number, mark: string): string {
  return `${path}.${new Date(time).toISOString().replaceAll(/[-:]/g, '')}-${mark}`
}

/** The full files of a name, newest first. Those of others, and a folder that is not there, are none. */
async function fullNames(path: string): Promise<string[]> {
  const name = basename(path)
  const found = await readdir(dirname(path)).catch((fault: unknown) => {
    if (codeOf(fault) === 'ENOENT') return []
    throw fault
  })
  const full = found.filter(entry => entry.startsWith(name) && suffix.test(entry.slice(name.length)))
  return full
    .sort()
    .reverse()
    .map(entry => join(dirname(path), entry))
}

/** Removes the oldest of the full files, so that with the one that is written there are `files`. Another gate may do the same. */
export async function prune(path: string, files: number): Promise<void> {
  for (const name of (await fullNames(path)).slice(Math.max(0, files - 1))) await rm(name, { force: true })
}

interface DecisionFileToRead {
  readonly path: string
  readonly file: FileHandle
  readonly size: number
}

/**
 * Opens the files of a name to read, newest first; whoever calls closes them. What becomes full meanwhile is read once: the file that
 * is written is opened first, and met again under its new name it is the same.
 */
export async function openSet(path: string): Promise<DecisionFileToRead[]> {
  const opened: DecisionFileToRead[] = []
  const met = new Set<string>()
  const add = async (name: string): Promise<void> => {
    const file = await open(name, 'r').catch((fault: unknown) => {
      if (codeOf(fault) === 'ENOENT') return null
      throw fault
    })
    if (file === null) return
    const { dev, ino, size } = await file.stat({ bigint: true })
    const isNew = !met.has(`${dev} ${ino}`)
    met.add(`${dev} ${ino}`)
    if (isNew) opened.push({ path: name, file, size: Number(size) })
    else await file.close()
  }
  try {
    await add(path)
    for (const name of await fullNames(path)) await add(name)
  } catch (fault) {
    for (const { file } of opened) await file.close()
    throw fault
  }
  return opened
}
