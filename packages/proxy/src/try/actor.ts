import { type Deed, octetsOf } from './deed.ts'
import type { Scene } from './scene.ts'

/** The client of a script: when it does what is next. A deed with a time is done then; another when its reply has been read. */
export class Actor {
  private readonly deeds: readonly Deed[]
  private readonly scene: Scene
  private next = 0
  /** Replies that it waits for: the greeting, and one for each command. */
  private owed = 1
  private inMessage = false
  /** Octets that are still to come of a chunk (RFC 3030), behind its BDAT and without a reply in between. */
  private chunk = 0

  constructor(deeds: readonly Deed[], scene: Scene) {
    this.deeds = deeds
    this.scene = scene
  }

  /** When it does what is next; null: not before it hears something, or never. */
  dueAt(now: number): number | null {
    const deed = this.deeds[this.next]
    if (deed === undefined) return null
    if (deed.at !== null) return Math.max(now, deed.at)
    return this.inMessage || this.chunk > 0 || this.hasHeard ? now : null
  }

  /** It has said all that it had to say. */
  get isFinished(): boolean {
    return this.next >= this.deeds.length
  }

  get hasHeard(): boolean {
    return this.scene.replies >= this.owed
  }

  /** What is left unsaid. */
  get unsaid(): readonly Deed[] {
    return this.deeds.slice(this.next)
  }

  /** Takes the next deed, and with it the rows that are one read with it. */
  take(): { readonly deed: Deed; readonly octets: Buffer } | null {
    const deed = this.deeds[this.next++]
    if (deed === undefined) return null
    if (!deed.what.startsWith('C')) return { deed, octets: Buffer.alloc(0) }
    const said = [deed]
    for (let more = this.deeds[this.next]; more?.what === 'C|'; more = this.deeds[this.next]) {
      said.push(more)
      this.next++
    }
    for (const part of said) this.expect(octetsOf(part).toString('latin1'))
    return { deed, octets: Buffer.concat(said.map(octetsOf)) }
  }

  private expect(octets: string): void {
    // 354 was the reply to what came before; what follows is a message.
    if (this.hasHeard && this.scene.latest === '354') this.inMessage = true
    let rest = octets
    while (rest !== '') {
      const taken = Math.min(this.chunk, rest.length)
      this.chunk -= taken
      rest = rest.slice(taken)
      const end = rest.indexOf('\r\n')
      if (end < 0) return
      const line = rest.slice(0, end)
      rest = rest.slice(end + 2)
      if (this.inMessage && line !== '.') continue
      this.inMessage = false
      this.owed++
      this.chunk = Number(/^BDAT[ \t]+(\d{1,9})/i.exec(line)?.[1] ?? 0)
    }
  }
}
