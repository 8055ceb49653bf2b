import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Session } from '@sallyport/proxy/session/session.js'
import { arrivalOf } from '../../support/arrival.ts'
import { makeHouse, waits } from '../../support/house.ts'
import { Recorder } from '../../support/recorder.ts'

const arrival = arrivalOf('192.0.2.1', { access: 'allow' })

test('a client that closed its side before it took its replies hears the answers to all that it said', () => {
  const recorder = new Recorder()
  const session = new Session(makeHouse(), arrival, recorder, 0)
  session.start(0)
  recorder.isFull = true
  session.receive(Buffer.from('EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<b@example.test>\r\nQUIT\r\n'), 1)
  session.end(1)
  assert.ok(!session.isDone)
  recorder.isFull = false
  session.resume(2)
  session.opened({ xclient: false, tls: 'off' }, 3)
  for (const reply of ['220 b', '250 b', '250 sender', '250 recipient', '221 bye']) {
    session.backend(Buffer.from(`${reply}\r\n`), 4)
  }
  assert.match(recorder.toClient, /\r\n250 recipient\r\n221 bye\r\n$/)
  assert.equal(session.journal.ending, 'quit')

  // Nothing whole is left to answer.
  const other = new Session(makeHouse(), arrival, recorder, 5)
  other.start(5)
  recorder.isFull = true
  other.receive(Buffer.from('NOOP'), 6)
  other.end(6)
  assert.equal(other.journal.ending, 'hangup')
})

test('a session whose time is over when the backend fails ends there, with no deadline that lies behind', () => {
  const recorder = new Recorder()
  const session = new Session(makeHouse(), arrival, recorder, 0)
  session.start(0)
  const late = waits.screening - 1
  session.receive(Buffer.from('EHLO a.example\r\nMAIL FROM:<a@b.example>\r\n'), 200_000)
  session.receive(Buffer.from('RCPT TO:<b@example.test>\r\n'), late)
  assert.ok(session.deadline > late)
  const over = session.deadline
  session.timeout(over)
  assert.ok(session.isDone)
  assert.match(recorder.toClient, /\r\n451 4\.3\.0 [^\r]*\r\n421 4\.4\.2 [^\r]*\r\n$/)
})
