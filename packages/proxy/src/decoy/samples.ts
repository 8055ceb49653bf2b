import { constants } from 'node:fs'
import { access, mkdir, readdir, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { systemCodeOf } from '../error.ts'

/** Files of ours: when (ms since 1970), and a number. Nothing of what a client said is in a name. */
const ours = /^\d{13}-\d{6}\.eml$/

/** A folder of samples, the latest of which are kept. Nobody but the gate's own user may read them. */
export class Samples {
  private readonly folder: string
  private readonly most: number
  /** Names, oldest first. */
  private readonly names: string[]
  private count = 0

  private constructor(folder: string, most: number, names: string[]) {
    this.folder = folder
    this.most = most
    this.names = names
  }

  /** Makes the folder if it is missing. Rejects when that cannot be done. `most`: files that are kept. */
  static async open(folder: string, most: number): Promise<Samples> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const names = (await readdir(folder)).filter(name => ours.test(name)).sort()
    const samples = new Samples(folder, most, names)
    await samples.trim()
    return samples
  }

  /** Keeps one; the oldest goes for it. Rejects when it cannot be written. */
  async keep(content: Buffer, now: number): Promise<void> {
    const number = String(this.count++ % 1_000_000).padStart(6, '0')
    const name = `${String(now).padStart(13, '0')}-${number}.eml`
    this.names.push(name)
    await this.trim()
    await writeFile(join(this.folder, name), content, { flag: 'wx', mode: 0o600 })
  }

  private async trim(): Promise<void> {
    const gone = this.names.splice(0, Math.max(0, this.names.length - this.most))
    // One that somebody else has taken away is gone all the same.
    for (const name of gone) await unlink(join(this.folder, name)).catch(() => {})
  }
}

/** Whether a folder of samples is there, or can be made, without making it: why not, in the words of the system. */
export async function lookAtFolder(folder: string): Promise<'there' | 'missing' | { readonly fault: string }> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    try {
      if (!(await stat(path)).isDirectory()) return { fault: 'ENOTDIR' }
      await access(path, constants.W_OK | constants.X_OK)
      return path === resolve(folder) ? 'there' : 'missing'
    } catch (error) {
      if (systemCodeOf(error) !== 'ENOENT') return { fault: systemCodeOf(error) }
    }
  }
}
