import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const docs = new URL('../../docs/', import.meta.url)
const text = readFileSync(new URL('scaling.md', docs), 'utf8')
const cells = text
  .split('\n')
  .filter(line => line.startsWith('| '))
  .map(line =>
    line
      .slice(2, -2)
      .split(' | ')
      .map(cell => cell.trim()),
  )

const units: Readonly<Record<string, number>> = { µs: 1e-6, s: 1, '%': 0.01, octets: 1, KiB: 1024, '': 1 }

/** The figures in seconds, octets and shares of one. */
const figures = new Map(
  cells.flatMap(([name = '', value = '']) => {
    const [, figure] = /^`(\w+)`$/.exec(name) ?? []
    const [, number, unit = ''] = /^([\d.]+) ?(\S*)$/.exec(value) ?? []
    return figure === undefined ? [] : [[figure, Number(number) * (units[unit] ?? Number.NaN)] as const]
  }),
)

function figure(name: string): number {
  const value = figures.get(name)
  assert.ok(value !== undefined && value > 0, `no figure ${name}`)
  return value
}

/** What stands in the row of the last table that begins so. */
function rowOf(title: string): readonly number[] {
  const row = cells.find(([first = '']) => first.startsWith(title))
  assert.ok(row !== undefined, `no row ${title}`)
  return row.slice(1).map(Number)
}

const ceil = (value: number): number => Math.ceil(value - 1e-9)
const rates = [1_000, 10_000, 100_000]
const open = (rate: number): number => rate * (figure('pause') + figure('dialogue'))
/** Seconds of a gate for a session. */
const gateOf = (): number => figure('gate_cpu') + figure('gate_store')
const wire = () => figure('redis_in') + figure('redis_out') + figure('commands') * 2 * figure('packet')

const formulae: Readonly<Record<string, (rate: number, remembered: number) => number>> = {
  'gates,': rate => (rate * gateOf()) / figure('gate_use'),
  'connections open': open,
  'memory for those': rate => (open(rate) * figure('held')) / 1e6,
  'mail,': rate => (rate * figure('message') * 2 * 8) / 1e6,
  'commands to': rate => rate * figure('commands'),
  'Redis shards': rate => (rate * figure('redis_cpu')) / figure('redis_use'),
  'to and from': rate => (rate * wire() * 8) / 1e6,
  'memory of all': (_, remembered) => (remembered * figure(remembered > 2e6 ? 'client_many' : 'client')) / 1e6,
}

test('the table is what the formulae make of the figures', () => {
  const remembered = rowOf('remembered')
  for (const [title, formula] of Object.entries(formulae)) {
    const expected = rates.map((rate, i) => ceil(formula(rate, remembered[i] ?? Number.NaN)))
    assert.deepEqual(rowOf(title), expected, title)
  }
})

test('what is said of where it breaks is, too', () => {
  const says = (number: number) => assert.ok(text.includes(number.toLocaleString('en')), `${number}`)
  const full = figure('gate_use') / gateOf()
  says(Math.floor(full))
  says(Math.ceil(100_000 / full))
  says(Math.round((full * (figure('pause') + figure('dialogue'))) / 100) * 100)
  says(Math.floor(figure('redis_use') / figure('redis_cpu')))
  says(Math.round(figure('redis_use') / figure('redis_rate')))
  says(Math.floor(28_232 / (figure('pause') + figure('dialogue'))))
  assert.ok(text.includes(`${Math.round((16_384 * 8_192) / 1e6)} million`))
  const [, octets = '', megabytes = '', networks = ''] =
    /(\d+) octets\s+as long as it is .*, (\d+) MB if ([\d,]+) connections/.exec(text) ?? []
  assert.equal(networks, rowOf('connections open').at(-1)?.toLocaleString('en'))
  assert.equal(Number(megabytes), Math.round((Number(octets) * (rowOf('connections open').at(-1) ?? 0)) / 1e6))
})

test('it is reckoned with what is dearest in any session of the store, without rates', () => {
  const sessions = cells.filter(([, commands = '', octets = '']) => Number(commands) > 0 && / \+ /.test(octets))
  const plain = sessions.filter(([what = '']) => !what.includes('with rates'))
  assert.equal(plain.length, sessions.length - 1)
  const dearest = (of: (row: readonly string[]) => number) => Math.max(...plain.map(of))
  assert.equal(
    dearest(([, commands]) => Number(commands)),
    figure('commands'),
  )
  assert.equal(
    dearest(([, , , cpu]) => Number.parseFloat(cpu ?? '')),
    Math.round(figure('redis_cpu') * 1e6),
  )
  assert.equal(
    dearest(([, , , , cpu]) => Number.parseFloat(cpu ?? '')),
    Math.round(figure('gate_store') * 1e6),
  )
  const octetsOf = (octets = '') => octets.split(' + ').reduce((sum, one) => sum + Number(one), 0)
  assert.equal(
    dearest(([, , octets]) => octetsOf(octets)),
    figure('redis_in') + figure('redis_out'),
  )
})

test('each figure that was measured stands where it is said to', () => {
  let count = 0
  for (const [, said = '', path = ''] of text.matchAll(/\[`([^`]*)`\]\(([^()]*)\)/g)) {
    assert.ok(existsSync(new URL(path, docs)), `${path} is not there`)
    if (said.startsWith('npm run')) continue
    assert.ok(readFileSync(new URL(path, docs), 'utf8').includes(said), `${path}: no ${said}`)
    count++
  }
  assert.ok(count >= 5, `${count}`)
})
