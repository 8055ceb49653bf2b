import { execFile } from 'node:child_process'

/** What a finished program left behind. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end, at most 60 s. Only a program that could not be started, or was killed, throws. */
export function command(file: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const options = { env: { ...process.env, ...environment }, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 }
  return new Promise((resolve, reject) => {
    execFile(file, [...args], options, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr })
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr })
      else reject(error)
    })
  })
}

/** As {@link command}, for a program of a Debian package that a fresh machine may lack: the error says how to get it. */
export async function tool(file: string, debianPackage: string, args: readonly string[]): Promise<Outcome> {
  try {
    return await command(file, args)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Error(`${file} is missing: apt-get install ${debianPackage}`, { cause: error })
    }
    throw error
  }
}
