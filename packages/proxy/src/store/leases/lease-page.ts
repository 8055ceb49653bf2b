import type { Instant } from '@sallyport/rules'

/** It is not known what the table has. */
export const unknown = -1

/** Of a client, or of the network as a whole: what is open here, and what the table was last told. */
export interface Line {
  readonly name: string
  count: number
  told: number
}

/** What this gate holds of a network. */
export interface Page {
  readonly network: string
  readonly all: Line
  /** Few, as a rule one: a list is smaller than a map, and looked through at once. */
  readonly clients: Line[]
  /** When all of it was last told, be it in vain. */
  toldAt: Instant
  /** When the table last took anything of it. */
  heardAt: Instant
  /** A command of it is under way. */
  isSpeaking: boolean
  /** All of it has to be told. */
  isDue: boolean
  /** One has left since the table was asked. */
  isOld: boolean
}

export function emptyPage(network: string, now: Instant): Page {
  const all = { name: '*', count: 0, told: 0 }
  const heardAt = Number.NEGATIVE_INFINITY
  return { network, all, clients: [], toldAt: now, heardAt, isSpeaking: false, isDue: false, isOld: false }
}

/** Lines of a network beside those that have anything open: while the table does not answer, whoever comes and goes leaves one. */
const mostInDoubt = 100

/** Nothing here and nothing in the table. */
const isNothing = ({ count, told }: Line): boolean => count === 0 && told === 0

/** Whether nothing of it is open here, nor in the table. */
export const isEmpty = ({ all, clients }: Page): boolean => clients.length === 0 && isNothing(all)

/** Forgets clients of whom nothing is open here, nor in the table; of those of whom that is not known, all but the last: the table forgets them after a lease. */
export function tidyLines({ clients }: Page): void {
  let doubtful = 0
  for (let i = clients.length - 1; i >= 0; i--) {
    const line = clients[i]
    if (line === undefined || line.count > 0) continue
    if (isNothing(line) || ++doubtful > mostInDoubt) clients.splice(i, 1)
  }
}

/** Lines of which the table is known to have something else. */
export const changedLines = ({ all, clients }: Page): readonly Line[] =>
  [all, ...clients].filter(({ count, told }) => told !== unknown && count !== told)

/** The line of a client; a new one, if there was none. */
export function lineOf({ clients }: Page, client: string): Line {
  const known = clients.find(({ name }) => name === client)
  if (known !== undefined) return known
  const line = { name: client, count: 0, told: 0 }
  clients.push(line)
  return line
}
