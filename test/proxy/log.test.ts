import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLog } from '@sallyport/proxy/log.js'

test('the line of a session is the one that pino writes of the same fields', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-log-'))
  const file = join(folder, 'log')
  const fd = openSync(file, 'w')
  try {
    const log = openLog('info', fd)
    const fields = {
      event: 'session',
      id: '0trf5ctmjmgj',
      why: undefined,
      helo: 'a "quoted" \\ name\u007f \ud83d\ude00 \u2028',
      to: ['a@example.test', 'b@example.test'],
      checks: { access: 'pass', spf: 'unknown: a private address' },
      ms: { greeted: 3, waited: undefined },
      commands: 5,
      backend: undefined,
    }
    log.session(fields, 'passed: 1 accepted, "0" not')
    log.info(fields, 'passed: 1 accepted, "0" not')
    log.flush()
    const [session, pino, end] = readFileSync(file, 'utf8')
      .replaceAll(/"time":"[^"]*"/g, '"time":""')
      .split('\n')
    assert.equal(session, pino)
    assert.equal(end, '')
    assert.match(session ?? '', /^\{"level":"info","time":"","event":"session"/)
  } finally {
    closeSync(fd)
    rmSync(folder, { recursive: true })
  }
})
