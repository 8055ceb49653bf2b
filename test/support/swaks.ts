// Mail clients that others wrote: swaks for a scripted dialogue, Postfix's smtp-source for many messages.

import { run } from './process.ts'

interface SwaksResult {
  /** 0 when the server accepted everything that was asked of it; swaks(1) lists the others (24: no recipient accepted …). */
  readonly code: number
  readonly transcript: string
}

/** Runs swaks(1) with these arguments and without its DNS look-ups and configuration files. Rejects after 30 s. */
export async function swaks(args: readonly string[]): Promise<SwaksResult> {
  const { code, output } = await run('swaks', ['--helo', 'client.example.net', '--suppress-data', ...args])
  return { code, transcript: output }
}

/** Runs smtp-source(1), which writes nothing when all went well. Rejects after 60 s. */
export async function smtpSource(args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const { code, output } = await run('smtp-source', args, 60_000)
  return { code, output }
}
