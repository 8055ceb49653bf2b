/** What is counted for one set of label values. */
interface Count {
  value: number
}

/** The counts of the last label by its values, or what is below the value of another. */
type Branch = Map<string, Branch | Count>

/**
 * A counter for what every session counts. prom-client's own costs a microsecond each time (it checks, builds and hashes label
 * objects), and a session has thirty-five of them; this one looks its label values up in maps, and is written out at the scrape in
 * the same text format.
 */
export class Counts<Values extends readonly string[]> {
  private readonly name: string
  private readonly help: string
  private readonly labels: readonly string[]
  private readonly root: Branch = new Map()

  /** `labels`: in the order in which their values are given. Those must come from known sets. */
  constructor(name: string, help: string, labels: { readonly [I in keyof Values]: string }) {
    this.name = name
    this.help = help
    this.labels = labels
  }

  /** What is counted for these; told of from then on, so that ones that are known are asked for at the start. */
  of(...values: Values): Count {
    let branch = this.root
    const last = values.length - 1
    for (let i = 0; i < last; i++) {
      const value = values[i] as string
      let next = branch.get(value)
      if (next === undefined) {
        next = new Map()
        branch.set(value, next)
      }
      branch = next as Branch
    }
    const value = values[last] as string
    let count = branch.get(value)
    if (count === undefined) {
      count = { value: 0 }
      branch.set(value, count)
    }
    return count as Count
  }

  /** Prometheus' text format 0.0.4. */
  text(): string {
    const lines = [`# HELP ${this.name} ${this.help}`, `# TYPE ${this.name} counter`]
    this.write(this.root, '', lines)
    return `${lines.join('\n')}\n\n`
  }

  private write(branch: Branch, before: string, lines: string[], depth = 0): void {
    for (const [value, below] of branch) {
      const labels = `${before}${this.labels[depth]}="${value}"`
      if (below instanceof Map) this.write(below, `${labels},`, lines, depth + 1)
      else lines.push(`${this.name}{${labels}} ${below.value}`)
    }
  }
}
