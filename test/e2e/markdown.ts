// What is written for users, as a test can run it.

import { cp, readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'

/** The top of the repository, as seen from test/dist/e2e/. */
export const repository: string = resolve(import.meta.dirname, '../../..')

/** A copy of what is in the repository, without what a clone would not have. */
export async function cloneTo(folder: string): Promise<void> {
  const made = /(?:^|\/)(?:node_modules|dist|var|\.git)$|\.tsbuildinfo$/
  await cp(repository, folder, { recursive: true, filter: source => !made.test(relative(repository, source)) })
}

export function textOf(name: string): Promise<string> {
  return readFile(resolve(repository, name), 'utf8')
}

/** The fenced blocks of a language in a page, without the indentation that they have inside a list. */
export function blocksOf(markdown: string, language: string): string[] {
  const fences = new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\``, 'gms')
  return [...markdown.matchAll(fences)].map(([, indentation = '', block = '']) =>
    block.replaceAll(new RegExp(`^${indentation}`, 'gm'), ''),
  )
}

/** The targets of all links of a page that lead into the repository, without what stands behind a `#`. */
export function linksOf(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target.replace(/#.*/, ''))
    .filter(target => target !== '' && !/^[a-z]+:/.test(target))
}
