import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { after, test } from 'node:test'
import { startRbldnsd } from './rbldnsd.ts'

const rbldnsd = await startRbldnsd(
  { after },
  {
    'bl.example': ['192.0.2.7 :127.0.0.2:Listed: $', '192.0.2.128/25 :127.0.0.4:Range', '2001:db8::7 :127.0.0.3:Six'],
    'wl.example': ['192.0.2.9 :127.0.1.1:Known'],
  },
)

function resolver(): Resolver {
  const own = new Resolver({ timeout: 1_000, tries: 1 })
  own.setServers([rbldnsd.server])
  return own
}

test('a listed address is answered with its return code and its text', async () => {
  assert.deepEqual(await resolver().resolve4('7.2.0.192.bl.example'), ['127.0.0.2'])
  assert.deepEqual(await resolver().resolve4('200.2.0.192.bl.example'), ['127.0.0.4'])
  assert.deepEqual(await resolver().resolveTxt('7.2.0.192.bl.example'), [['Listed: 192.0.2.7']])
  assert.deepEqual(await resolver().resolve4('9.2.0.192.wl.example'), ['127.0.1.1'])
})

test('a listed IPv6 address is answered', async () => {
  const nibbles = ['2001', '0db8', '0', '0', '0', '0', '0', '7'].map(group => group.padStart(4, '0')).join('')
  const name = [...nibbles].reverse().join('.')
  assert.deepEqual(await resolver().resolve4(`${name}.bl.example`), ['127.0.0.3'])
})

test('what is not listed does not exist, and the zone says for how long', async () => {
  await assert.rejects(resolver().resolve4('8.2.0.192.bl.example'), { code: 'ENOTFOUND' })
  assert.equal((await resolver().resolveSoa('bl.example')).minttl, 120)
})

test('stopped, it is silent or refuses; started again, it answers on the same port', async () => {
  await rbldnsd.stop()
  await assert.rejects(resolver().resolve4('7.2.0.192.bl.example'), { code: /^(ECONNREFUSED|ETIMEOUT)$/ })
  await rbldnsd.start()
  assert.deepEqual(await resolver().resolve4('7.2.0.192.bl.example'), ['127.0.0.2'])
})
