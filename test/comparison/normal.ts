// What must differ between two runs of one dialogue made alike, and nothing else: queue ids, times, process ids, and the address
// of the client (each run has one of its own, by which the logs tell them apart).

/** Gives a text with the client's address replaced, and queue ids by Q1, Q2, … in the order of the list. */
export function naming(ids: readonly string[], address: string): (text: string) => string {
  return text => ids.reduce((result, id, i) => result.replaceAll(id, `Q${i + 1}`), text.replaceAll(address, 'CLIENT'))
}

const date = /(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), +\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}(?: \(\w+\))?/g

/** A delivered message: dates, and what Postfix makes of time and queue id for the notifications that it writes. */
export function normalMessage(text: string): string {
  return text
    .replaceAll(date, 'DATE')
    .replaceAll(/\b\d{14}\.(Q\d)/g, 'TIME.$1')
    .replaceAll(/(Q\d+)\.\d{10}\//g, '$1.TIME/')
}

/**
 * A line of Postfix's log: without time, process and service, without how long the delivery took, and without the size, in which
 * the length of the queue id counts; the messages themselves are compared.
 */
export function normalLog(line: string): string {
  return line.replace(/^.*?\/(\w+)\[\d+\]: /, '$1: ').replaceAll(/(?:delays?=[\d.e/+-]+|size=\d+), /g, '')
}
