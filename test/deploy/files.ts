import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse } from 'yaml'

/** The top of the repository, as seen from test/dist/deploy/. */
export const repository: string = resolve(import.meta.dirname, '../../..')

/** The absolute path of a file of the repository. */
export function pathOf(name: string): string {
  return resolve(repository, name)
}

export function textOf(name: string): Promise<string> {
  return readFile(pathOf(name), 'utf8')
}

/** A YAML file as plain values; a duplicate key or any other fault of the file throws. */
export async function yamlOf(name: string): Promise<unknown> {
  return parse(await textOf(name), { strict: true, uniqueKeys: true })
}
