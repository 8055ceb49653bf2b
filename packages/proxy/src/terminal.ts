/** sysexits(3); 2 is what shells and getopt use. */
export const exit = { ok: 0, unwell: 1, usage: 2, config: 78 } as const

export function print(text: string): number {
  process.stdout.write(text)
  return exit.ok
}

export function complain(text: string): void {
  process.stderr.write(`sallyport: ${text}\n`)
}

export function wrongUsage(text: string): number {
  complain(text)
  complain('sallyport --help tells the commands')
  return exit.usage
}
