import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counts } from '@sallyport/proxy/counts.js'

test("counts are written in Prometheus' text format, those of no event too, and each label value once", () => {
  const counts = new Counts<[check: string, outcome: string]>('x_total', 'What it is.', ['check', 'outcome'])
  counts.of('helo', 'fail')
  counts.of('spf', 'pass').value++
  counts.of('helo', 'pass').value += 3
  counts.of('spf', 'pass').value++
  assert.equal(
    counts.text(),
    [
      '# HELP x_total What it is.',
      '# TYPE x_total counter',
      'x_total{check="helo",outcome="fail"} 0',
      'x_total{check="helo",outcome="pass"} 3',
      'x_total{check="spf",outcome="pass"} 2',
      '\n',
    ].join('\n'),
  )
})
