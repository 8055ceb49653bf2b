import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Every message that lies in `new` of the Maildirs below a directory, in the order of delivery, as latin1. */
export async function messagesBelow(directory: string): Promise<string[]> {
  const delivered: { readonly at: bigint; readonly text: string }[] = []
  for (const mailbox of await namesIn(directory)) {
    const arrivals = join(directory, mailbox, 'new')
    for (const name of await namesIn(arrivals)) {
      const file = join(arrivals, name)
      const { ctimeNs } = await stat(file, { bigint: true })
      delivered.push({ at: ctimeNs, text: await readFile(file, 'latin1') })
    }
  }
  return delivered.sort((a, b) => (a.at < b.at ? -1 : 1)).map(({ text }) => text)
}

function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => [])
}
