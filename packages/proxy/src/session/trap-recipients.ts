import { isAlwaysReachable } from '../smtp/path.ts'

/** Before and behind the asterisk, lower case. */
type Pattern = readonly [before: string, behind: string]

/**
 * Which recipients are traps: addresses, and patterns in which one asterisk stands for anything. Case means nothing. No pattern stands
 * for those who are always reached: who means `postmaster` writes it whole.
 */
export class TrapRecipients {
  private readonly addresses = new Set<string>()
  private readonly patterns: Pattern[] = []

  constructor(written: readonly string[]) {
    for (const text of written) {
      const [before = '', behind] = text.toLowerCase().split('*')
      if (behind === undefined) this.addresses.add(before)
      else this.patterns.push([before, behind])
    }
  }

  /** `path`: a forward-path without its brackets. */
  has(path: string): boolean {
    if (this.addresses.size + this.patterns.length === 0) return false
    const lower = path.toLowerCase()
    if (this.addresses.has(lower)) return true
    return !isAlwaysReachable(lower) && this.patterns.some(pattern => fits(lower, pattern))
  }
}

function fits(path: string, [before, behind]: Pattern): boolean {
  return path.length >= before.length + behind.length && path.startsWith(before) && path.endsWith(behind)
}
