import { keywordOf } from '../smtp/keywords.ts'

/**
 * What every one of several servers offers in its EHLO reply, in the order of the first: a client is told before anybody knows
 * at which of them it will end. SIZE is the smallest (RFC 1870: none and 0 stand for no limit), AUTH what mechanisms all have;
 * of others that have parameters only those on which all agree, as nobody could keep two promises at once.
 */
export function commonKeywords(offers: readonly (readonly string[])[]): readonly string[] {
  const [first, ...others] = offers
  if (first === undefined) return []
  if (others.length === 0) return first
  return first.flatMap(line => {
    const theirs = others.map(lines => sameKeyword(lines, line))
    const found = theirs.filter(other => other !== undefined)
    if (found.length < theirs.length) return []
    const common = commonLine([line, ...found])
    return common === null ? [] : [common]
  })
}

/** What each of several servers offers that is neither common to all in the same words nor what the common line says. */
export function uncommonKeywords(offers: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const known = offers.map(lines => new Set(lines.map(folded)))
  const common = new Set(commonKeywords(offers).map(folded))
  const isCommon = (line: string) => common.has(line) || known.every(theirs => theirs.has(line))
  return offers.map(lines => lines.filter(line => !isCommon(folded(line))))
}

/** The line of the same keyword; of AUTH in the same form too, as old servers have it twice, `AUTH PLAIN` and `AUTH=PLAIN`. */
function sameKeyword(lines: readonly string[], line: string): string | undefined {
  const keyword = keywordOf(line)
  const isOld = hasOldForm(line)
  return lines.find(other => keywordOf(other) === keyword && hasOldForm(other) === isOld)
}

const hasOldForm = (line: string): boolean => /^AUTH=/i.test(line)

function commonLine(lines: readonly string[]): string | null {
  const [first = ''] = lines
  switch (keywordOf(first)) {
    case 'SIZE':
      return smallestSize(lines)
    case 'AUTH':
      return commonMechanisms(lines)
    default:
      return lines.every(line => folded(line) === folded(first)) ? first : null
  }
}

const folded = (line: string): string => line.toUpperCase().split(/\s+/).join(' ')

function smallestSize(lines: readonly string[]): string {
  const limits = lines.map(line => Number(/^SIZE\s+(\d+)/i.exec(line)?.[1] ?? 0)).filter(limit => limit > 0)
  return `SIZE ${limits.length === 0 ? 0 : Math.min(...limits)}`
}

function commonMechanisms(lines: readonly string[]): string | null {
  const [first = [], ...others] = lines.map(line => line.slice('AUTH'.length + 1).split(/\s+/))
  const common = first.filter(name => {
    return name !== '' && others.every(names => names.some(other => other.toUpperCase() === name.toUpperCase()))
  })
  return common.length === 0 ? null : `AUTH${hasOldForm(lines[0] ?? '') ? '=' : ' '}${common.join(' ')}`
}
