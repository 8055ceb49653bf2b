/** The keys and positions that lead to a value. */
export type Path = readonly (string | number)[]

/** `greet.networks[2].wait`. A key that is no plain word (only an unknown one) is quoted, escaped and cut. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += `${text === '' ? '' : '.'}${/^[A-Za-z0-9_-]{1,64}$/.test(step) ? step : quoted(step)}`
  }
  return text
}

const longestQuote = 60

/** Text of the file in an error: on one line, without control characters, and not longer than a line. */
export function quoted(text: string): string {
  const cut = text.length > longestQuote ? `${text.slice(0, longestQuote - 3)}...` : text
  // JSON leaves DEL, the C1 controls and the two Unicode line ends as they are.
  return JSON.stringify(cut).replace(/[\u007f-\u009f\u2028\u2029\ufeff\u200e\u200f\u202a-\u202e]/g, c => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
