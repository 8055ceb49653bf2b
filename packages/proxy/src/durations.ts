/** What one label value has gathered: a count for each bucket, and of all. */
interface Series {
  readonly counts: Float64Array
  count: number
  sum: number
}

/**
 * A histogram of seconds with one label of known values, for what is observed several times a session. prom-client's own
 * costs some microseconds an observation (it builds and hashes label objects, and keeps buckets in a dictionary); this one
 * adds to an array, and is written out at the scrape in the same text format.
 */
export class Durations<Label extends string> {
  private readonly name: string
  private readonly help: string
  private readonly label: string
  private readonly bounds: readonly number[]
  private readonly series = new Map<Label, Series>()
  private readonly isOpen: boolean

  /** `values`: what the label may be, told of from the start, so that the first shows in a rate; `open`: they come with what is observed. */
  constructor(name: string, help: string, label: string, values: readonly Label[] | 'open', bounds: readonly number[]) {
    this.isOpen = values === 'open'
    this.name = name
    this.help = help
    this.label = label
    this.bounds = bounds
    if (values !== 'open') for (const value of values) this.begin(value)
  }

  private begin(label: Label): Series {
    const series: Series = { counts: new Float64Array(this.bounds.length), count: 0, sum: 0 }
    this.series.set(label, series)
    return series
  }

  observe(label: Label, seconds: number): void {
    const series = this.series.get(label) ?? (this.isOpen ? this.begin(label) : undefined)
    if (series === undefined) return
    series.count++
    series.sum += seconds
    const at = this.bounds.findIndex(bound => seconds <= bound)
    if (at >= 0) series.counts[at] = (series.counts[at] ?? 0) + 1
  }

  /** The bound below which that part of what was observed is, 0 to 1; null: nothing was, or it is above all bounds. */
  quantile(label: Label, part: number): number | null {
    const series = this.series.get(label)
    if (series === undefined || series.count === 0) return null
    let below = 0
    const at = this.bounds.findIndex((_, i) => {
      below += series.counts[i] ?? 0
      return below >= part * series.count
    })
    return this.bounds[at] ?? null
  }

  /** Prometheus' text format 0.0.4: buckets add up, the last is without bound. */
  text(): string {
    const { name, label } = this
    const lines = [`# HELP ${name} ${this.help}`, `# TYPE ${name} histogram`]
    for (const [value, { counts, count, sum }] of this.series) {
      let below = 0
      this.bounds.forEach((bound, i) => {
        below += counts[i] ?? 0
        lines.push(`${name}_bucket{le="${bound}",${label}="${value}"} ${below}`)
      })
      lines.push(`${name}_bucket{le="+Inf",${label}="${value}"} ${count}`)
      lines.push(`${name}_sum{${label}="${value}"} ${sum}`, `${name}_count{${label}="${value}"} ${count}`)
    }
    return `${lines.join('\n')}\n\n`
  }
}
