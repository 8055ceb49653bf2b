import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startGate } from '../support/gate.ts'
import { startPostfix } from '../support/postfix.ts'
import { believing, connectAs, untilRcpt } from './client.ts'

// Its plain port takes neither the PROXY header nor XCLIENT: what becomes of a recipe that was followed by half.
const postfix = await startPostfix({ after })

for (const [identity, hint] of [
  ['proxy_v2', /^it answered 50\d .*; does it expect a PROXY header there\?$/],
  ['proxy_v1', /^it answered 50\d .*; does it expect a PROXY header there\?$/],
  ['xclient', /^it does not offer XCLIENT to the gate \(smtpd_authorized_xclient_hosts\)$/],
] as const) {
  test(`${identity} to a Postfix that was not told: the log says so at the start and once, and clients hear 451`, async t => {
    const backend = `backend: { address: '127.0.0.1:${postfix.ports.plain}', identity: ${identity} }`
    const gate = await startGate(t, `${backend}\n${believing}\ngreet: { wait: 0s }`)
    const line = await gate.waitForLine(({ event }) => event === 'backend')
    assert.equal(line.level, 'error')
    assert.match(String(line['why']), hint)
    assert.equal(line['msg'], 'the backend cannot be used: clients hear 451')
    assert.match((await gate.admin('/readyz')).text, /^backend: down$/m)
    for (const address of ['192.0.2.7', '192.0.2.8']) {
      assert.match(await untilRcpt(await connectAs(t, gate, address)), /^451 4\.3\.0 /)
    }
    await gate.stop()
    assert.equal(gate.lines().filter(({ event }) => event === 'backend').length, 1, gate.output())
  })
}
