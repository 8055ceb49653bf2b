import { kept, quarters } from './growth.ts'
import type { Sample } from './sample.ts'

const width = 900
const left = 60
const right = 30
const high = 160
/** Between two fields, and above the first, where the text stands. */
const gap = 60
const lineHeight = 18

const curves = [
  {
    what: 'memory',
    title:
      'resident memory, MB; black: the medians and the least that growth is measured between, behind the dashed line',
    colour: '#1f6fb4',
  },
  { what: 'served', title: 'good clients served a second', colour: '#7a3fa0' },
  { what: 'descriptors', title: 'open descriptors', colour: '#b4521f' },
  { what: 'timers', title: 'timers', colour: '#3a8f3a' },
] as const

/** Distances of the marks on an axis, of which the first is taken that needs no more than so many: seconds, and ones, twos, fives. */
const times = [1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600]
const mostMarks = 8

/** The samples as a picture: a field for each curve, time from left to right, each from 0 up. `words`: what stands above, a line each. */
export function picture(samples: readonly Sample[], words: readonly string[]): string {
  const top = words.length * lineHeight + gap
  const total = top + curves.length * (high + gap)
  const end = Math.max(1, samples.at(-1)?.at ?? 1)
  const x = (at: number) => (left + (at / end) * (width - left - right)).toFixed(1)
  const step = times.find(each => end / each <= mostMarks) ?? end
  const marks = range(end, step)
  const fields = curves.map(({ what, title, colour }, row) => {
    const bottom = top + row * (high + gap) + high
    const values = samples.map(each => each[what])
    const rise = niceStep(Math.max(1, ...values))
    const most = Math.ceil(Math.max(1, ...values) / rise) * rise
    const y = (value: number) => (bottom - (value / most) * high).toFixed(1)
    // None can have been served before the first.
    const drawn = what === 'served' ? samples.slice(1) : samples
    const points = drawn.map(each => `${x(each.at)},${y(each[what])}`)
    return [
      `<text x="${left}" y="${bottom - high - 10}">${title}</text>`,
      ...range(most, rise).map(value => across(y(value), `${value}`)),
      ...marks.map(
        at => `<text x="${x(at)}" y="${bottom + 16}" text-anchor="middle" fill="#555">${timeText(at)}</text>`,
      ),
      `<path d="M${x(end / 3)} ${bottom}V${bottom - high}" stroke="#999" stroke-dasharray="4"/>`,
      `<polyline points="${points.join(' ')}" stroke="${colour}" stroke-width="1.5" fill="none"/>`,
      ...(what === 'memory' ? medians(samples, x, y) : []),
    ].join('\n')
  })
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" font-family="sans-serif" font-size="13">`
  const texts = words.map((line, i) => `<text x="${left}" y="${(i + 1) * lineHeight + 6}">${escaped(line)}</text>`)
  return [
    head,
    '<title>A gate under load: memory, clients served, descriptors, timers</title>',
    `<rect width="${width}" height="${total}" fill="#fff"/>`,
    ...texts,
    ...fields,
    '</svg>',
    '',
  ].join('\n')
}

/** A thin line at a value, and its number. */
const across = (y: string, value: string): string =>
  `<path d="M${left} ${y}H${width - right}" stroke="#ddd"/><text x="${left - 8}" y="${y}" dy="4" text-anchor="end" fill="#555">${value}</text>`

/** What growth is measured between. */
function medians(samples: readonly Sample[], x: (at: number) => string, y: (value: number) => string): string[] {
  const line = (from: number, to: number, value: number, dy: number) =>
    `<path d="M${x(from)} ${y(value)}H${x(to)}" stroke="#000" stroke-width="2"/><text x="${x(to)}" y="${y(value)}" dy="${dy}" text-anchor="end">${value.toFixed(1)}</text>`
  return quarters(kept(samples)).flatMap(({ from, to, median, least }) => [
    line(from, to, median, -6),
    line(from, to, least, 16),
  ])
}

const range = (end: number, step: number): number[] =>
  Array.from({ length: Math.floor(end / step) + 1 }, (_, i) => i * step)

/** One, two or five times a power of ten, so that four steps or a few more reach the value. */
function niceStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 4))
  return Math.max(1, [1, 2, 5, 10].map(each => each * power).find(each => most / each <= 5) ?? 1)
}

const timeText = (at: number): string => (at > 0 && at % 60 === 0 ? `${at / 60} min` : `${at} s`)

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
