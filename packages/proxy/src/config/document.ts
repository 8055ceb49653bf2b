import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  Parser,
  parseDocument,
  stringify,
  type YAMLMap,
} from 'yaml'
import { type Path, pathText, quoted } from './path.ts'
import { deepest, syntax, tooDeep } from './yaml-words.ts'

/** Where something stands in the file, both counted from 1; columns in UTF-16 units. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** A fault of the file, as it is reported. `path` is empty where it is one of YAML itself. */
export interface Fault {
  readonly at: Position
  readonly path: string
  readonly text: string
}

/** One value as it stands in the file. */
export interface Location {
  readonly at: Position
  /** What was found, in words: quoted text, a number, a list ... Never what `${...}` stands for. */
  readonly found: string
  /** The value has a `${...}` in it. */
  readonly isFilledIn: boolean
}

/** A file's values, and where each of them stands, by the text of its path. */
export interface Source {
  readonly value: unknown
  readonly locations: ReadonlyMap<string, Location>
  /** Where the keys stand. */
  readonly keys: ReadonlyMap<string, Position>
  readonly faults: readonly Fault[]
}

/** Puts the environment and files into a text value; the problem never tells their contents. */
type Fill = (text: string) => { readonly value: string } | { readonly problem: string }

/** Octets. */
export const largest = 1024 * 1024
/** Values that aliases may repeat in all: a handful of shared lists, and no bomb. */
const mostAliased = 10_000
const endless = 'found aliases (*) that repeat too much: write the values themselves'

/**
 * Reads YAML 1.2 with the position of every value. Not taken: toJS() with maxAliasCount and getIn() for positions, which
 * refuse bombs as well but find nothing behind an alias; the one walk here makes the values, the locations and the bound.
 * Nesting is measured before the document is composed, since the recursion of the `yaml` package can end the process.
 */
export function readDocument(text: string, fill: Fill): Source {
  if (Buffer.byteLength(text) > largest) {
    return failed(
      { line: 1, column: 1 },
      'found more than 1 MiB: keep long lists of networks in files of their own (access.allow_files, access.deny_files)',
    )
  }
  const lines = new Lines(text)
  const deepAt = tooDeepAt(text)
  if (deepAt !== null) return failed(lines.position(deepAt), tooDeep)
  const document = parseDocument(text, { version: '1.2', prettyErrors: false, uniqueKeys: false })
  const faults = [...document.errors, ...document.warnings].map(error => {
    return { at: lines.position(error.pos[0]), path: '', text: syntax[error.code] }
  })
  // What a broken document seems to hold is guesswork, and so would be any word about it.
  if (faults.length > 0) return { value: null, locations: new Map(), keys: new Map(), faults }
  const walk = new Walk(document, lines, fill)
  const value = walk.read(document.contents, [], false)
  if (walk.endlessAt !== null) return failed(walk.endlessAt, endless)
  return { value, locations: walk.locations, keys: walk.keys, faults: walk.faults }
}

function failed(at: Position, text: string): Source {
  return { value: null, locations: new Map(), keys: new Map(), faults: [{ at, path: '', text }] }
}

/** The offset at which the nesting gets too deep; null: nowhere. */
function tooDeepAt(text: string): number | null {
  const parser = new Parser()
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme));
    if (parser.stack.length > deepest) return parser.offset
  }
  return null
}

/** Where each line of a text begins. */
class Lines {
  private readonly starts = [0]

  constructor(text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.starts.push(at + 1)
  }

  position(offset: number): Position {
    let line = 0
    for (let step = 2 ** 20; step >= 1; step /= 2) {
      const start = this.starts[line + step]
      if (start !== undefined && start <= offset) line += step
    }
    return { line: line + 1, column: offset - (this.starts[line] ?? 0) + 1 }
  }
}

class Walk {
  readonly locations = new Map<string, Location>()
  readonly keys = new Map<string, Position>()
  readonly faults: Fault[] = []
  private readonly document: Document
  private readonly lines: Lines
  private readonly fill: Fill
  /** Where aliases grew beyond the bound; null: nowhere. */
  endlessAt: Position | null = null
  private aliased = 0

  constructor(document: Document, lines: Lines, fill: Fill) {
    this.document = document
    this.lines = lines
    this.fill = fill
  }

  /** `isAliased`: an alias led here. */
  read(node: unknown, path: Path, isAliased: boolean): unknown {
    if (isAliased && (++this.aliased > mostAliased || path.length > deepest)) {
      this.endlessAt ??= this.lines.position(rangeOf(node)?.[0] ?? 0)
      return undefined
    }
    if (isAlias(node)) {
      const origin = node.resolve(this.document)
      if (origin !== undefined) return this.read(origin, path, true)
      this.fault(node.range, path, 'found an alias (*) without its anchor (&): write the value itself')
      return undefined
    }
    if (isMap(node)) {
      this.locate(node.range, path, 'keys')
      return this.readMap(node, path, isAliased)
    }
    if (isSeq(node)) {
      this.locate(node.range, path, 'a list')
      return node.items.map((item, i) => this.read(item, [...path, i], isAliased))
    }
    if (!isScalar(node) || node.value === null) {
      const range = isScalar(node) ? node.range : null
      this.locate(range, path, 'nothing')
      return null
    }
    return this.readScalar(node.value, node.source ?? String(node.value), node.range, path)
  }

  private readScalar(value: unknown, source: string, range: Range, path: Path): unknown {
    if (typeof value !== 'string') {
      this.locate(range, path, source.slice(0, 40))
      return value
    }
    const filled = this.fill(value)
    this.locate(range, path, quoted(value), 'problem' in filled || filled.value !== value)
    if ('value' in filled) return filled.value
    this.fault(range, path, `found ${quoted(value)}; ${filled.problem}`)
    return undefined
  }

  private readMap(node: YAMLMap, path: Path, isAliased: boolean): unknown {
    // No prototype: `__proto__` is an unknown key like any other.
    const values: Record<string, unknown> = Object.create(null)
    for (const { key, value } of node.items) {
      const range = isScalar(key) ? key.range : null
      const name = isScalar(key) ? (typeof key.value === 'string' ? key.value : key.source) : undefined
      if (name === undefined) {
        this.fault(
          range ?? rangeOf(key) ?? node.range,
          path,
          'found a key that is no plain word: write a name before the colon',
        )
        continue
      }
      const here = [...path, name]
      const at = this.lines.position(range?.[0] ?? 0)
      const first = this.keys.get(pathText(here))
      if (name in values && first !== undefined) {
        this.fault(range, here, `found a second time (first in line ${first.line}): keep one of them`)
        continue
      }
      this.keys.set(pathText(here), at)
      values[name] = this.read(value, here, isAliased)
      // A key with nothing behind it has no place of its own.
      if (rangeOf(value) === null) this.locations.set(pathText(here), { at, found: 'nothing', isFilledIn: false })
    }
    return values
  }

  private locate(range: Range, path: Path, found: string, isFilledIn = false): void {
    this.locations.set(pathText(path), { at: this.lines.position(range?.[0] ?? 0), found, isFilledIn })
  }

  private fault(range: Range, path: Path, text: string): void {
    this.faults.push({ at: this.lines.position(range?.[0] ?? 0), path: pathText(path), text })
  }
}

type Range = readonly number[] | null | undefined

function rangeOf(node: unknown): Range {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? (node.range ?? null) : null
}

/** Plain values as YAML, one key a line. */
export function writeDocument(value: unknown): string {
  return stringify(value, { lineWidth: 0 })
}
