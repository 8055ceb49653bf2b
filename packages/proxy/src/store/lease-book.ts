import type { Instant } from '@sallyport/rules'
import type { Caps, Crowd, Excess, Visitor } from '../census.ts'

/** The way to what all gates hold. Never rejects; `unheard`, false: it was not asked, or nobody knows whether it did it. */
export interface OpenTable {
  /** One more, which `held` counts already. What is given is of what there are too many: then nothing was noted. */
  enter(visitor: Visitor, held: Crowd, caps: Caps): Promise<Excess | null | 'unheard'>
  /** Name, how many, name, how many; `*`: the network. */
  hold(network: string, counts: readonly (string | number)[]): Promise<boolean>
}

/** Names told with one command. */
const mostAtOnce = 100

/** Networks renewed in one turn: a part of all, or a few. Of all in so many turns, so that they never come in one crowd. */
const turns = 80
const few = 8

/** It is not known what the table has. */
const unknown = -1

/** Of a client, or of the network as a whole: what is open here, and what the table was last told. */
interface Line {
  readonly name: string
  count: number
  told: number
}

/** What this gate holds of a network. */
interface Page {
  readonly network: string
  readonly all: Line
  /** Few, as a rule one: a list is smaller than a map, and looked through at once. */
  readonly clients: Line[]
  /** When all of it was last told, be it in vain. */
  toldAt: Instant
  /** When the table last took anything of it. */
  heardAt: Instant
  /** Counts what was said of it: of two answers the one to the later question holds. */
  said: number
}

/**
 * What one gate holds of each network and client among all gates (lease-script.ts), and when that has to be said again. Who comes is told as
 * part of the question whether there is room; who leaves, with the next `flush`; who stays, by `renew`, after half a lease. What the table
 * did not hear is told again with each turn: so it has all of it within eighty turns after it is back. Knows no clock and no timer.
 *
 * Who comes is counted here from the question on, not from the answer: of two who come at once to the last place the later one must not find it free.
 */
export class LeaseBook {
  private readonly table: OpenTable
  private readonly lease: number
  private readonly changing: () => void
  /** In the order in which all of a page was last told. */
  private readonly pages = new Map<string, Page>()
  private readonly unheard = new Set<Page>()
  private readonly changed = new Set<Page>()

  /** `lease` in ms; `changing`: called when there is something to `flush` and there was nothing before. */
  constructor(table: OpenTable, lease: number, changing: () => void) {
    this.table = table
    this.lease = lease
    this.changing = changing
  }

  /** Networks of which anything is open, or has to be told. */
  get size(): number {
    return this.pages.size
  }

  /** Gives of what there are too many: then it has no place. While the table does not answer everybody has one. */
  async enter(visitor: Visitor, caps: Caps, now: Instant): Promise<Excess | null> {
    const page = this.pageOf(visitor.network, now)
    const client = lineOf(page, visitor.client)
    const { all } = page
    const before = [client.told, all.told] as const
    client.told = ++client.count
    all.told = ++all.count
    const said = ++page.said
    const answer = await this.table.enter(visitor, { client: client.count, network: all.count }, caps)
    if (answer === null) {
      page.heardAt = now
      return null
    }
    if (answer === 'unheard') {
      client.told = unknown
      all.told = unknown
      this.unheard.add(page)
      return null
    }
    client.count--
    all.count--
    const isLast = page.said === said
    client.told = isLast ? before[0] : unknown
    all.told = isLast ? before[1] : unknown
    // What was said meanwhile counted this one.
    if (!isLast) this.change(page)
    this.tidy(page)
    return answer
  }

  /** Gives a place back; who has none does not call. */
  leave({ client, network }: Visitor): void {
    const page = this.pages.get(network)
    const line = page?.clients.find(({ name }) => name === client)
    if (page === undefined || line === undefined || line.count === 0) return
    line.count--
    page.all.count--
    this.change(page)
  }

  /** Tells what has changed: of each network once, however many have left. */
  flush(now: Instant): void {
    for (const page of this.changed)
      void this.tell(
        page,
        [page.all, ...page.clients].filter(({ count, told }) => count !== told),
        now,
      )
    this.changed.clear()
  }

  /** One turn: tells what was not heard, and what half a lease ago was said last. */
  renew(now: Instant): void {
    const most = Math.max(few, Math.ceil(this.pages.size / turns))
    for (const page of first(this.unheard, most)) {
      this.unheard.delete(page)
      // By now nothing of it is in the table.
      if (page.all.count === 0 && now - page.heardAt > this.lease) this.pages.delete(page.network)
      else this.tellAll(page, now)
    }
    for (const page of first(this.pages.values(), most)) {
      if (page.toldAt > now - this.lease / 2) return
      this.tellAll(page, now)
    }
  }

  private tellAll(page: Page, now: Instant): void {
    page.toldAt = now
    this.pages.delete(page.network)
    this.pages.set(page.network, page)
    const lines = [page.all, ...page.clients]
    for (let i = 0; i < lines.length; i += mostAtOnce) void this.tell(page, lines.slice(i, i + mostAtOnce), now)
  }

  private async tell(page: Page, lines: readonly Line[], now: Instant): Promise<void> {
    if (lines.length === 0) return this.tidy(page)
    page.said++
    for (const line of lines) line.told = line.count
    const isHeard = await this.table.hold(
      page.network,
      lines.flatMap(({ name, count }) => [name, count]),
    )
    if (isHeard) page.heardAt = now
    else {
      for (const line of lines) line.told = unknown
      this.unheard.add(page)
    }
    this.tidy(page)
  }

  private change(page: Page): void {
    const isFirst = this.changed.size === 0
    this.changed.add(page)
    if (isFirst) this.changing()
  }

  private pageOf(network: string, now: Instant): Page {
    const known = this.pages.get(network)
    if (known !== undefined) return known
    const all = { name: '*', count: 0, told: 0 }
    const page = { network, all, clients: [], toldAt: now, heardAt: Number.NEGATIVE_INFINITY, said: 0 }
    this.pages.set(network, page)
    return page
  }

  /** Forgets what is nothing here and nothing in the table. */
  private tidy(page: Page): void {
    const { clients, all } = page
    for (let i = clients.length - 1; i >= 0; i--) {
      const line = clients[i]
      if (line !== undefined && isNothing(line)) clients.splice(i, 1)
    }
    if (clients.length > 0 || !isNothing(all) || this.pages.get(page.network) !== page) return
    this.pages.delete(page.network)
    this.unheard.delete(page)
  }
}

const isNothing = ({ count, told }: Line): boolean => count === 0 && told === 0

function lineOf({ clients }: Page, client: string): Line {
  const known = clients.find(({ name }) => name === client)
  if (known !== undefined) return known
  const line = { name: client, count: 0, told: 0 }
  clients.push(line)
  return line
}

/** Taken out before anything is done with them: what is done changes their order. */
function first(pages: Iterable<Page>, most: number): readonly Page[] {
  const found: Page[] = []
  for (const page of pages) {
    if (found.length === most) break
    found.push(page)
  }
  return found
}
