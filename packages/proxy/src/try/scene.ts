/** One line of what was said, or something that happened. */
export interface Spoken {
  /** Milliseconds from the connection. */
  readonly at: number
  /** When the last octet of the line came; the same unless it was dribbled. */
  until: number
  readonly who: 'client' | 'gate' | 'to backend' | 'backend' | 'event'
  readonly text: string
}

/** Of what a message or a flood is, only the beginning is told. */
const mostLines = 2_000
const longestText = 1_000

/** What happens, in its order; the gate's octets are put together to lines. */
export class Scene {
  readonly spoken: Spoken[] = []
  /** Whole replies of the gate so far. */
  replies = 0
  /** The code of the latest of them. */
  latest = ''
  private line = ''
  private begunAt = 0

  note(at: number, who: Spoken['who'], text: string): void {
    if (this.spoken.length < mostLines) this.spoken.push({ at, until: at, who, text: text.slice(0, longestText) })
  }

  /** Lines of somebody who speaks in whole lines. */
  lines(at: number, who: Spoken['who'], text: string): void {
    for (const line of text.replace(/\r\n$/, '').split('\r\n')) this.note(at, who, line)
  }

  /** Octets of the gate. */
  gate(at: number, text: string): void {
    for (const piece of text.split(/(?<=\n)/)) {
      if (this.line === '') this.begunAt = at
      this.line += piece
      if (!this.line.endsWith('\n')) continue
      const line = this.line.trimEnd()
      this.line = ''
      if (this.spoken.length < mostLines) this.spoken.push({ at: this.begunAt, until: at, who: 'gate', text: line })
      if (!/^\d{3}(?: |$)/.test(line)) continue
      this.replies++
      this.latest = line.slice(0, 3)
    }
  }

  /** What it has begun to say, and will not end. */
  close(at: number): void {
    if (this.line !== '') this.spoken.push({ at: this.begunAt, until: at, who: 'gate', text: `${this.line} …` })
    this.line = ''
  }
}
