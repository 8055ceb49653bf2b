import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { renderTransparency } from './comparison/document.ts'

const docs = new URL('../../docs/', import.meta.url)
const document = readFileSync(new URL('conformance.md', docs), 'utf8')

/** What the project promises to show. */
const rfcs = [1870, 1985, 2034, 2920, 3030, 3207, 3461, 3463, 4954, 5321, 6152, 6531, 8689]

interface Row {
  readonly rfc: string
  readonly cells: readonly string[]
  readonly links: readonly string[]
}

function readRows(text: string): readonly Row[] {
  let rfc = ''
  const rows: Row[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('## ')) rfc = line
    if (!line.startsWith('| ') || /^\| (?:Section|---) /.test(line)) continue
    const links = [...line.matchAll(/\]\(([^)]*)\)/g)].map(match => match[1] ?? '')
    rows.push({ rfc, cells: line.slice(2, -2).split(' | '), links })
  }
  return rows
}

const rows = readRows(document)

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')

test('every RFC has its rows, and every row its section, its requirement, who keeps it and what shows it', () => {
  for (const rfc of rfcs)
    assert.ok(
      rows.some(row => row.rfc.includes(` ${rfc}`)),
      `RFC ${rfc}`,
    )
  assert.ok(rows.filter(row => row.rfc.includes(' 5321')).length >= 40)
  for (const { cells, links } of rows) {
    const row = cells.join(' | ')
    assert.equal(cells.length, 4, row)
    assert.match(cells[0] ?? '', /^(?:RFC \d+ )?\d+(?:\.\d+)*$/, row)
    assert.ok(['gate', 'backend', 'both'].includes(cells[2] ?? ''), row)
    assert.ok(links.length > 0, row)
  }
  assert.equal(new Set(rows.map(({ cells }) => cells.slice(0, 2).join(' '))).size, rows.length, 'no row twice')
})

test('every link leads to a file that is there, and every transcript is one that is played', () => {
  const played = new Set(
    readdirSync(new URL('../test/transcripts/', docs), { recursive: true, encoding: 'utf8' }).filter(file =>
      file.endsWith('.smtp'),
    ),
  )
  for (const link of rows.flatMap(({ links }) => links)) {
    const [file = '', anchor] = link.split('#')
    const transcript = /^\.\.\/test\/transcripts\/(.*)$/.exec(file)?.[1]
    if (transcript !== undefined) assert.ok(played.has(transcript), `${link} is not played`)
    else if (file === 'transparency.md') {
      const headings = renderTransparency().match(/^## .*$/gm) ?? []
      assert.ok(
        headings.some(heading => anchorOf(heading.slice(3)) === anchor),
        `${link}: no such heading`,
      )
    } else {
      assert.match(file, /^\.\.\/test\/.*\.test\.ts$/, link)
      assert.ok(existsSync(new URL(file, docs)), `${link} is not there`)
    }
  }
})

test('docs/transparency.md is what the dialogues and differences make (npm run reference)', () => {
  assert.equal(readFileSync(new URL('transparency.md', docs), 'utf8'), renderTransparency())
})
