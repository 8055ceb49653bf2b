import type { Instant } from '@sallyport/rules'
import type { Caps, Excess, Visitor } from '../../census.ts'
import { HotExcess } from './hot-excess.ts'
import { changedLines, emptyPage, isEmpty, type Line, lineOf, type Page, tidyLines, unknown } from './lease-page.ts'

/** Who comes into a network, in their order. */
export interface Coming {
  readonly network: string
  /** What this gate holds of the network, without them. */
  readonly held: number
  /** One each; a client may come several times. `held`: what this gate holds of it, without them. */
  readonly comers: readonly { readonly client: string; readonly held: number }[]
  readonly caps: Caps
}

/** Of what there are too many for each that comes; null: it has its place. */
export type Places = readonly (Excess | null)[]

/** The way to what all gates hold. Never rejects; `unheard`, false: it was not asked, or nobody knows whether it did it. */
export interface OpenTable {
  enter(coming: Coming): Promise<Places | 'unheard'>
  /** Name, how many, name, how many; `*`: the network. */
  tell(network: string, counts: readonly (string | number)[]): Promise<boolean>
}

/** Names told, or asked for, with one command. */
const mostAtOnce = 100

/** Between two turns of renewal, ms. */
export const turn = 100

/** Networks renewed in one turn: a part of all, or a few. Of all in so many turns at most, so that they never come in one crowd. */
const mostTurns = 80
const few = 8

/** Who waits for the table, and for what answer. */
interface Comer {
  readonly client: string
  readonly answer: (excess: Excess | null) => void
}

interface Queue {
  readonly comers: Comer[]
  /** Of the one that came last: what holds now. */
  caps: Caps
}

/**
 * What one gate holds of each network and client among all gates (lease-script.ts), and when that has to be said again. Who comes is told as
 * part of the question whether there is room; who leaves, with the next `flush`; who stays, by `renew`, after half a lease. What the table
 * did not hear is told again with each turn: so it has all of it within eighty turns after it is back. Knows no clock and no timer.
 *
 * Of each network one command is under way at a time: who comes meanwhile is asked for with all that came meanwhile, who leaves is told with all
 * that left. So a flood from one network is one question after the other, and where there are too many not even that (hot-excess.ts). Who
 * comes is counted from the answer on: nothing else of its network is told before.
 *
 * Not taken: to ask for each at once and let the answers cross, which is one round trip less for the second of two, and as many commands as connections.
 */
export class LeaseBook {
  private readonly table: OpenTable
  private readonly lease: number
  private readonly turns: number
  private readonly changing: () => void
  /** In the order in which all of a page was last told. */
  private readonly pages = new Map<string, Page>()
  private readonly queues = new Map<Page, Queue>()
  private readonly unheard = new Set<Page>()
  private readonly changed = new Set<Page>()
  private readonly excess = new HotExcess()
  /** The last time that was said: of what goes on behind an answer it is at most a turn ago. */
  private now: Instant = 0

  /** `lease` in ms; `changing`: called when there is something to `flush` and there was nothing before. */
  constructor(table: OpenTable, lease: number, changing: () => void) {
    this.table = table
    this.lease = lease
    // Half a lease it waits for its round, which takes a quarter of one: a quarter is left.
    this.turns = Math.max(1, Math.min(mostTurns, Math.floor(lease / 4 / turn)))
    this.changing = changing
  }

  /** Networks of which anything is open, or has to be told. */
  get size(): number {
    return this.pages.size
  }

  /** Gives of what there are too many: then it has no place. While the table does not answer everybody has one. */
  enter(visitor: Visitor, caps: Caps, now: Instant): Promise<Excess | null> {
    this.now = now
    const known = this.excess.of(visitor, caps, now)
    if (known !== null) return Promise.resolve(known)
    const page = this.pageOf(visitor.network)
    return new Promise(answer => {
      const queue = this.queues.get(page) ?? { comers: [], caps }
      queue.comers.push({ client: visitor.client, answer })
      queue.caps = caps
      this.queues.set(page, queue)
      void this.speak(page)
    })
  }

  /** Gives a place back; who has none does not call. */
  leave(visitor: Visitor): void {
    const page = this.pages.get(visitor.network)
    const line = page?.clients.find(({ name }) => name === visitor.client)
    if (page === undefined || line === undefined || line.count === 0) return
    line.count--
    page.all.count--
    page.isOld = true
    this.excess.drop(visitor)
    const isFirst = this.changed.size === 0
    this.changed.add(page)
    if (isFirst) this.changing()
  }

  /** Tells what has changed: of each network once, however many have left. */
  flush(now: Instant): void {
    this.now = now
    for (const page of this.changed) if (this.isKept(page)) void this.speak(page)
    this.changed.clear()
  }

  /** One turn: tells what was not heard, and what half a lease ago was said last. */
  renew(now: Instant): void {
    this.now = now
    const most = Math.max(few, Math.ceil(this.pages.size / this.turns))
    for (const page of first(this.unheard, most)) {
      this.unheard.delete(page)
      if (!this.isKept(page)) continue
      // By now nothing of it is in the table.
      const isGone = page.all.count === 0 && !page.isSpeaking && now - page.heardAt > this.lease
      if (isGone) this.pages.delete(page.network)
      else this.tellAll(page)
    }
    for (const page of first(this.pages.values(), most)) {
      if (page.toldAt > now - this.lease / 2) return
      this.tellAll(page)
    }
  }

  private tellAll(page: Page): void {
    page.toldAt = this.now
    this.pages.delete(page.network)
    this.pages.set(page.network, page)
    page.isDue = true
    void this.speak(page)
  }

  /** Asks and tells by turns, until there is nothing left of this network. */
  private async speak(page: Page): Promise<void> {
    if (page.isSpeaking) return
    page.isSpeaking = true
    for (;;) {
      await this.ask(page)
      const lines = page.isDue ? [page.all, ...page.clients] : changedLines(page)
      if (lines.length > 0) await this.tell(page, lines)
      else if (!this.queues.has(page)) break
      tidyLines(page)
    }
    page.isSpeaking = false
    this.tidy(page)
  }

  private async ask(page: Page): Promise<void> {
    const queue = this.queues.get(page)
    if (queue === undefined) return
    const comers = this.take(page, queue)
    if (comers.length === 0) return
    const [{ network, all }, { caps }, asked] = [page, queue, this.now]
    const lines = comers.map(({ client }) => lineOf(page, client))
    const coming = {
      network,
      held: all.count,
      comers: lines.map(({ name, count }) => ({ client: name, held: count })),
      caps,
    }
    page.isOld = false
    const answer = await this.table.enter(coming)
    const places = answer === 'unheard' ? null : answer
    const isIn = (i: number): boolean => places === null || places[i] === null
    if (places === null) this.unheard.add(page)
    else if (places.includes(null)) {
      page.heardAt = asked
      all.told = coming.held
      for (const [i, line] of lines.entries()) if (isIn(i)) line.told = coming.comers[i]?.held ?? unknown
    }
    for (const [i, line] of lines.entries()) {
      if (!isIn(i)) continue
      for (const each of [line, all]) {
        each.count++
        each.told = places === null ? unknown : each.told + 1
      }
    }
    for (const [i, { client, answer }] of comers.entries()) {
      const excess = places?.[i] ?? null
      if (excess !== null && !page.isOld) this.excess.note({ client, network }, caps, excess, asked)
      answer(excess)
    }
  }

  /** Who is asked for next; of whom there are known to be too many is told so. */
  private take(page: Page, { comers, caps }: Queue): readonly Comer[] {
    const { network } = page
    const taken: Comer[] = []
    let seen = 0
    for (const comer of comers) {
      if (taken.length === mostAtOnce) break
      seen++
      const known = this.excess.of({ client: comer.client, network }, caps, this.now)
      if (known === null) taken.push(comer)
      else comer.answer(known)
    }
    comers.splice(0, seen)
    if (comers.length === 0) this.queues.delete(page)
    return taken
  }

  private async tell(page: Page, lines: readonly Line[]): Promise<void> {
    page.isDue = false
    const told: Promise<void>[] = []
    for (let i = 0; i < lines.length; i += mostAtOnce) told.push(this.tellSome(page, lines.slice(i, i + mostAtOnce)))
    await Promise.all(told)
  }

  private async tellSome(page: Page, lines: readonly Line[]): Promise<void> {
    const told = this.now
    for (const line of lines) line.told = line.count
    const isHeard = await this.table.tell(
      page.network,
      lines.flatMap(({ name, count }) => [name, count]),
    )
    if (isHeard) page.heardAt = told
    else {
      for (const line of lines) line.told = unknown
      this.unheard.add(page)
    }
  }

  private pageOf(network: string): Page {
    const known = this.pages.get(network)
    if (known !== undefined) return known
    const page = emptyPage(network, this.now)
    this.pages.set(network, page)
    return page
  }

  /** Whether it stands for its network yet: one that was forgotten must not take the place of the next. */
  private isKept(page: Page): boolean {
    return this.pages.get(page.network) === page
  }

  /** Forgets what is nothing here and nothing in the table. */
  private tidy(page: Page): void {
    tidyLines(page)
    if (!isEmpty(page) || !this.isKept(page)) return
    this.pages.delete(page.network)
    this.unheard.delete(page)
  }
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
