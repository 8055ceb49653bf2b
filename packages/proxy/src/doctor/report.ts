import { printable } from '../smtp/octets.ts'

/** `ok`; `warn`: it works, but look at it; `FAIL`: mail suffers, or worse. */
export type Level = 'ok' | 'warn' | 'FAIL'

export interface Finding {
  readonly subject: string
  /** What was looked at, a word or two. */
  readonly point: string
  readonly level: Level
  /** How long it took; null: nothing was waited for. */
  readonly ms: number | null
  readonly saw: string
  /** What would do; null: nothing need be done. */
  readonly advice: string | null
}

/** Much of it comes from the wire: it is cut, and printed so that a terminal is not at its mercy. */
const longest = 400

/** The findings about one subject, in the order they were made. */
export class Report {
  readonly subject: string
  readonly findings: Finding[] = []

  constructor(subject: string) {
    this.subject = subject
  }

  ok(point: string, saw: string, ms: number | null = null, advice: string | null = null): void {
    this.add('ok', point, saw, ms, advice)
  }

  warn(point: string, saw: string, ms: number | null, advice: string): void {
    this.add('warn', point, saw, ms, advice)
  }

  fail(point: string, saw: string, ms: number | null, advice: string): void {
    this.add('FAIL', point, saw, ms, advice)
  }

  hasFailed(point: string): boolean {
    return this.findings.some(finding => finding.point === point && finding.level === 'FAIL')
  }

  /** What failed is to be looked at, and nothing more: others do its work. */
  soften(): void {
    this.findings.forEach((finding, i) => {
      if (finding.level === 'FAIL') this.findings[i] = { ...finding, level: 'warn' }
    })
  }

  private add(level: Level, point: string, saw: string, ms: number | null, advice: string | null): void {
    const { subject } = this
    this.findings.push({ subject, point, level, ms, saw: printable(saw, longest), advice })
  }
}

/** A line for each finding under its subject, with the advice below it; and the sum of it all. */
export function asText(findings: readonly Finding[]): string {
  const lines: string[] = []
  const width = Math.max(...findings.map(({ point }) => point.length))
  let subject = ''
  for (const { level, point, ms, saw, advice, ...finding } of findings) {
    if (finding.subject !== subject) lines.push(finding.subject)
    subject = finding.subject
    const time = ms === null ? '' : `${ms} ms`
    lines.push(`  ${level.padEnd(4)}  ${point.padEnd(width)}  ${time.padStart(8)}  ${saw}`)
    if (advice !== null) lines.push(`${' '.repeat(6)}→ ${advice}`)
  }
  const count = (wanted: Level) => findings.filter(({ level }) => level === wanted).length
  lines.push(`FAIL ${count('FAIL')}, warn ${count('warn')}, ok ${count('ok')}`)
  return `${lines.join('\n')}\n`
}

export function asJson(file: string, findings: readonly Finding[]): string {
  return `${JSON.stringify({ file, ok: isWell(findings), findings }, null, 2)}\n`
}

export const isWell = (findings: readonly Finding[]): boolean => findings.every(({ level }) => level !== 'FAIL')
