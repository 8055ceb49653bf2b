import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Session } from '@sallyport/proxy/session/session.js'
import { addressOf } from '../../support/address.ts'
import { makeHouse, waits } from '../../support/house.ts'
import { Recorder } from '../../support/recorder.ts'

test('a session whose time is over when the backend fails ends there, with no deadline that lies behind', () => {
  const recorder = new Recorder()
  const arrival = {
    id: 'REF',
    client: addressOf('192.0.2.1'),
    clientPort: 4567,
    server: null,
    access: 'allow',
    greetWait: 0,
    health: false,
    starttls: 'off' as const,
    tls: null,
  } as const
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
