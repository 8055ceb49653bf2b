import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { checks } from '@sallyport/rules'
import { byteByByte, type Cut, play, whole } from './support/play.ts'
import { parseTranscript } from './support/transcript.ts'

const folder = new URL('../transcripts/', import.meta.url)

/** Pieces of 1 to 7 octets, the same ones every time. */
const ragged: Cut = octets => {
  const pieces: Buffer[] = []
  for (let at = 0, size = 3; at < octets.length; at += size, size = (size * 5 + 1) % 7 || 1)
    pieces.push(octets.subarray(at, at + size))
  return pieces
}

/** In two pieces, the first of `size` octets. */
const twoPieces =
  (size: number): Cut =>
  octets => [octets.subarray(0, size), octets.subarray(size)]

const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.smtp'))
  .sort()

/** Of each check the transcripts whose log line says what it saw. */
const logged = new Map<string, string[]>(checks.map(({ name }) => [name, []]))

for (const file of files) {
  const transcript = parseTranscript(file, readFileSync(new URL(file, folder), 'utf8'))
  const told = transcript.rows.filter(({ what }) => what === 'logged').map(({ text }) => text)
  for (const [check, where] of logged) if (told.some(text => text.includes(`"checks.${check}":`))) where.push(file)
  test(`${file}: whole`, () => play(transcript, whole))
  // Where the story is that octets came together, it cannot be told one by one; the transcript says so.
  if (transcript.settings.get('plays') === 'whole') continue
  test(`${file}: byte by byte`, () => play(transcript, byteByByte))
  test(`${file}: in ragged pieces`, () => play(transcript, ragged))
  test(`${file}: cut at each of the first places`, () => {
    for (let size = 1; size < 32; size++) play(transcript, twoPieces(size))
  })
}

test('every check is named by the log of two transcripts at least', () => {
  for (const [check, where] of logged) assert.ok(where.length >= 2, `${check}: ${where.join(', ') || 'none'}`)
})
