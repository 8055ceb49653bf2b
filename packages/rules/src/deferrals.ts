import { BoundedMap } from './bounded-map.ts'
import type { CheckName } from './checks/index.ts'
import type { Instant } from './time.ts'

/** Deferrals that are kept; the oldest makes place. Some 300 octets each. */
const most = 10_000
/** A message that comes later is another one, ms. */
const longest = 24 * 3_600_000

/**
 * Who was asked to come again, for which check, and when: to tell how long mail was kept from its recipient that was accepted in
 * the end. A sample: what was deferred by another gate, or before a start, is not known here.
 */
export class Deferrals {
  private readonly open = new BoundedMap<string, { readonly check: CheckName; readonly at: Instant }>(most)

  get size(): number {
    return this.open.size
  }

  /** `key`: who writes whom. The first deferral counts. */
  deferred(key: string, check: CheckName, now: Instant): void {
    const known = this.open.get(key)
    if (known !== undefined && now - known.at < longest) return
    this.open.set(key, { check, at: now })
  }

  /** Mail was accepted; what it had waited for, ms; null: nothing. */
  accepted(key: string, now: Instant): { readonly check: CheckName; readonly wait: number } | null {
    const known = this.open.get(key)
    if (known === undefined) return null
    this.open.delete(key)
    const wait = now - known.at
    return wait < longest ? { check: known.check, wait } : null
  }
}
