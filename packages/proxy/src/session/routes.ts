/** Which group of backends a recipient's domain belongs to. */
export class Routes {
  private readonly groups: ReadonlyMap<string, string>

  /** Domains in lower case, or `*.parent` for all below `parent`; each with its group. */
  constructor(groups: ReadonlyMap<string, string>) {
    this.groups = groups
  }

  /** The group of a domain: its own entry, else that of the nearest parent with a `*`; null: the default group. */
  groupOf(domain: string): string | null {
    if (this.groups.size === 0) return null
    const name = domain.toLowerCase().replace(/\.$/, '')
    const own = this.groups.get(name)
    if (own !== undefined) return own
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const group = this.groups.get(`*${name.slice(dot)}`)
      if (group !== undefined) return group
    }
    return null
  }
}
