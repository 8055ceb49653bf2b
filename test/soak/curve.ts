import type { Sample } from './sample.ts'

const width = 900
const height = 220
const margin = 50

const curves = [
  { what: 'memory', title: 'resident memory, MB', colour: '#1f6fb4' },
  { what: 'descriptors', title: 'open descriptors', colour: '#b4521f' },
  { what: 'timers', title: 'timers', colour: '#3a8f3a' },
] as const

/** The samples as a picture: one field for each curve, time from left to right, each from 0 up. */
export function picture(samples: readonly Sample[], title: string): string {
  const total = margin + curves.length * (height + margin)
  const fields = curves.map(({ what, title: name, colour }, row) => {
    const most = Math.max(1, ...samples.map(each => each[what]))
    const end = Math.max(1, samples.at(-1)?.at ?? 1)
    const bottom = (row + 1) * (height + margin)
    const x = (at: number) => (margin + (at / end) * (width - 2 * margin)).toFixed(1)
    const points = samples.map(each => `${x(each.at)},${(bottom - (each[what] / most) * (height - margin)).toFixed(1)}`)
    return [
      `<text x="${margin}" y="${bottom - height + margin - 8}">${name}: at most ${Math.round(most)}</text>`,
      `<path d="M${margin} ${bottom - height + margin}V${bottom}H${width - margin}" stroke="#888" fill="none"/>`,
      `<path d="M${x(end / 3)} ${bottom}V${bottom - height + margin}" stroke="#ccc" stroke-dasharray="4"/>`,
      `<polyline points="${points.join(' ')}" stroke="${colour}" stroke-width="1.5" fill="none"/>`,
      `<text x="${width - margin}" y="${bottom + 16}" text-anchor="end">${Math.round(end)} s</text>`,
    ].join('\n')
  })
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" font-family="sans-serif" font-size="13">`
  const ground = `<rect width="${width}" height="${total}" fill="#fff"/>`
  return [head, ground, `<text x="${margin}" y="24">${title}</text>`, ...fields, '</svg>', ''].join('\n')
}
