/** One thing that happened, as a row of a transcript. */
export interface Row {
  readonly at: number
  readonly what: string
  readonly text: string
}

/** What happened in one session, and when. */
export class Story {
  readonly rows: Row[] = []
  now = 0

  note(what: string, text: string): void {
    this.rows.push({ at: this.now, what, text })
  }

  story(): string {
    return this.rows.map(({ at, what, text }) => `@${at} ${what} ${escaped(text)}`).join('\n')
  }
}

function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('\r', '\\r')
    .replaceAll('\n', '\\n')
    .replaceAll('\0', '\\0')
    .replace(/[^ -~]/g, character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
