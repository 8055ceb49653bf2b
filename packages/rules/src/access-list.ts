import { type Network, parseNetwork } from './network.ts'

/** A line that could not be read. */
interface ListProblem {
  /** From 1. */
  readonly line: number
  /** The line, cut to 60 characters, all but printable ASCII escaped. */
  readonly text: string
  readonly why: string
}

/** What there is to say of a list when all of it has been read. */
export interface ListSummary {
  readonly lines: number
  /** The first problems, at most 20. */
  readonly problems: readonly ListProblem[]
  /** All problems, the ones not in `problems` included. */
  readonly problemCount: number
}

const problemsKept = 20
const shown = 60

/** No address is that long; what is after it in a line is not kept in memory. */
const longestLine = 1024

/**
 * Reads a list of networks: one address or CIDR network a line, the rest of a line after `#` is a comment, empty lines count for
 * nothing. Lines end in LF or CRLF. A line that cannot be read is a problem and is left out; the others hold.
 *
 * The text may come in pieces of any size, so that the caller can read a million lines from a file without holding up
 * everything else, and each network is handed over at once.
 */
export class AccessListReader {
  private readonly take: (network: Network) => void
  private readonly problems: ListProblem[] = []
  private problemCount = 0
  private lines = 0
  /** The beginning of a line whose end has not come yet. */
  private rest = ''

  constructor(take: (network: Network) => void) {
    this.take = take
  }

  feed(text: string): void {
    let start = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      this.keep(text, start, end)
      this.readLine(this.rest)
      this.rest = ''
      start = end + 1
    }
    this.keep(text, start, text.length)
  }

  /** The end of the list: the last line needs no line end. */
  finish(): ListSummary {
    if (this.rest !== '') this.readLine(this.rest)
    this.rest = ''
    return { lines: this.lines, problems: this.problems, problemCount: this.problemCount }
  }

  private keep(text: string, start: number, end: number): void {
    this.rest += text.slice(start, Math.min(end, start + longestLine - this.rest.length))
  }

  private readLine(line: string): void {
    this.lines++
    const comment = line.indexOf('#')
    const text = (comment < 0 ? line : line.slice(0, comment)).trim()
    if (text === '') return
    const network = parseNetwork(text)
    if (!('problem' in network)) {
      this.take(network)
      return
    }
    this.problemCount++
    if (this.problems.length === problemsKept) return
    this.problems.push({ line: this.lines, text: printable(text.slice(0, shown)), why: network.problem })
  }
}

/** Reads a whole list at once. */
export function parseAccessList(text: string): ListSummary & { readonly networks: readonly Network[] } {
  const networks: Network[] = []
  const reader = new AccessListReader(network => networks.push(network))
  reader.feed(text)
  return { networks, ...reader.finish() }
}

function printable(text: string): string {
  return text.replace(/[^ -[\]-~]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
