import { type Decision, version } from './decision.ts'

/** Octets of a record, with its newline. */
export const longestLine = 4096

/** To what texts are cut, one after the other, until the record is short enough. */
const cuts = [200, 100, 40, 10] as const

/** A record as a line of ASCII: what a client sent can neither end it nor reach the terminal of a reader as it came. */
export function lineOf(decision: Decision): string {
  let line = written(decision)
  for (const length of cuts) {
    if (line.length < longestLine) break
    line = written({ ...decision, cut: true }, length)
  }
  // Whatever some future fact holds: without its facts a record explains still, and cannot be judged again.
  if (line.length >= longestLine)
    line = written({ ...decision, cut: true, facts: {}, passed: [], outcomes: {}, to: [] }, 40)
  return `${line}\n`
}

function written(decision: Decision & { readonly cut?: true }, longest = Number.POSITIVE_INFINITY): string {
  const said = withoutNothing({ ...decision, ms: withoutNothing(decision.ms) })
  const json = JSON.stringify(said, (_, value: unknown) =>
    typeof value === 'string' && value.length > longest ? value.slice(0, longest) : value,
  )
  return json.replace(/[\x7f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function withoutNothing(record: object): object {
  const isSomething = (value: unknown) => value !== null && (typeof value !== 'object' || Object.keys(value).length > 0)
  return Object.fromEntries(Object.entries(record).filter(([, value]) => isSomething(value)))
}

/** Reads a line; a text says what is wrong with it. Fields that are left out have the value that stands for nothing. */
export function readDecision(line: string): Decision | string {
  let found: unknown
  try {
    found = JSON.parse(line)
  } catch {
    return 'not JSON'
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return 'not an object'
  const record = found as Readonly<Record<string, unknown>>
  if (record['v'] !== version) return `not a record of version ${version}`
  const fault = faultOf(record)
  if (fault !== undefined) return `${fault} is of another kind`
  if (typeof record['id'] !== 'string' || typeof record['client'] !== 'string') return 'without id or client'
  const { messages, ms, ...others } = record
  return {
    ...empty,
    ...others,
    messages: { ...empty.messages, ...(messages as object) },
    ms: { ...empty.ms, ...(ms as object) },
  }
}

const empty: Decision = {
  v: version,
  id: '',
  time: '',
  client: '',
  port: 0,
  config: '',
  verdict: 'error',
  action: 'none',
  check: null,
  why: null,
  vouched: null,
  score: 0,
  facts: {},
  passed: [],
  outcomes: {},
  actions: {},
  remembered: [],
  offended: [],
  disarmed: [],
  from: null,
  to: [],
  recipients: 0,
  reply: null,
  backend_reply: null,
  backend: {},
  messages: { accepted: 0, deferred: 0, refused: 0 },
  ending: null,
  detail: '',
  ms: { greeted: null, backend: null, relay: null, end: 0, waited: 0, left_after: null },
}

function isLike(name: string, value: unknown): boolean {
  const model: unknown = empty[name as keyof Decision]
  if (model === null) return typeof value === 'string'
  if (Array.isArray(model)) return Array.isArray(value) && value.every(item => typeof item === 'string')
  if (name === 'outcomes' || name === 'actions')
    return isDictionary(value) && Object.values(value).every(text => typeof text === 'string')
  if (name === 'backend' || name === 'messages' || name === 'ms') {
    return isDictionary(value) && Object.values(value).every(count => typeof count === 'number')
  }
  return typeof model === 'object' ? isDictionary(value) : typeof value === typeof model
}

function faultOf(record: Readonly<Record<string, unknown>>): string | undefined {
  for (const name in record) if (Object.hasOwn(empty, name) && !isLike(name, record[name])) return name
  return undefined
}

const isDictionary = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
