import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Session } from '@sallyport/proxy/session/session.js'
import { addressOf } from '../../support/address.ts'
import { arrivalOf } from '../../support/arrival.ts'
import { makeHouse } from '../../support/house.ts'
import { Recorder } from '../../support/recorder.ts'

test('of what a trapped client sends a kilobyte is kept, and then it is not read from', () => {
  const recorder = new Recorder()
  recorder.traps = 1
  const house = makeHouse({ policy: { checks: { access: { action: 'trap' } } } })
  const arrival = arrivalOf('192.0.2.1', { access: 'deny', server: addressOf('192.0.2.25') })
  const session = new Session(house, arrival, recorder, 0)
  session.start(0)
  assert.equal(session.phase.name, 'trap')
  session.receive(Buffer.from('NOOP\r\n'.repeat(10_000)), 1)
  assert.deepEqual([session.lines.pending, session.wantsMore], [1_024, false])
  for (let now = 1_000; now < 200_000; now += 1_000) session.timeout(now)
  assert.ok(session.lines.pending < 1_024 && session.wantsMore, 'it goes on when that is answered')
})
