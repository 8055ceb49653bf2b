import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Exception,
  makePlan,
  type Party,
  Plans,
  type Policy,
  parseAddress,
  parseNetwork,
  presetSettings,
  presets,
} from '@sallyport/rules'

const nobody = { networks: [], names: [], hello: [], recipients: [], checks: {} }
const exception = (of: Partial<Exception>): Exception => ({ ...nobody, ...of })

function networkAt(text: string) {
  const network = parseNetwork(text)
  assert.ok(!('problem' in network))
  return network
}

function party(of: Partial<Omit<Party, 'client'>> & { readonly client?: string }): Party {
  const client = parseAddress(of.client ?? '192.0.2.1')
  assert.ok(client !== null)
  return { name: null, hello: null, recipient: null, ...of, client }
}

/** What the check dnsbl does for a party. */
function actionFor(policy: Policy, of: Parameters<typeof party>[0]): string | undefined {
  return new Plans(policy).for(party(of)).checks.find(({ name }) => name === 'dnsbl')?.action
}

test('an exception holds for whom it names, and for nobody else', () => {
  const observe = { checks: { dnsbl: { action: 'observe' } } } as const
  const cases: readonly (readonly [Partial<Exception>, Parameters<typeof party>[0], boolean])[] = [
    [{ networks: [networkAt('192.0.2.0/24')] }, {}, true],
    [{ networks: [networkAt('192.0.2.0/24')] }, { client: '198.51.100.1' }, false],
    [{ networks: [networkAt('2001:db8::/32')] }, { client: '2001:db8::1' }, true],
    [{ names: ['mail.example.org'] }, { name: 'Mail.Example.ORG' }, true],
    [{ names: ['mail.example.org'] }, { name: null }, false],
    [{ names: ['mail.example.org'] }, { hello: 'mail.example.org' }, false],
    [{ names: ['*.example.org'] }, { name: 'a.b.example.org' }, true],
    [{ names: ['*.example.org'] }, { name: 'example.org' }, false],
    [{ names: ['*.example.org'] }, { name: 'badexample.org' }, false],
    [{ hello: ['scanner'] }, { hello: 'scanner' }, true],
    [{ recipients: ['open.test'] }, { recipient: 'open.test' }, true],
    [{ recipients: ['open.test'] }, {}, false],
    [{ networks: [networkAt('192.0.2.0/24')], recipients: ['open.test'] }, { recipient: 'open.test' }, true],
    [{ networks: [networkAt('192.0.2.0/24')], recipients: ['open.test'] }, {}, false],
  ]
  for (const [of, whom, holds] of cases) {
    const policy: Policy = { checks: { dnsbl: { action: 'refuse' } }, exceptions: [exception({ ...of, ...observe })] }
    assert.equal(actionFor(policy, whom), holds ? 'observe' : 'refuse', JSON.stringify([of, whom]))
  }
})

test('of several exceptions the last is the strongest, key by key', () => {
  const policy: Policy = {
    exceptions: [
      exception({ networks: [networkAt('192.0.2.0/24')], checks: { dnsbl: { action: 'refuse', points: 7 } } }),
      exception({ hello: ['x'], checks: { dnsbl: { action: 'score' } } }),
    ],
  }
  const planned = new Plans(policy).for(party({ hello: 'x' })).checks.find(({ name }) => name === 'dnsbl')
  assert.deepEqual([planned?.action, planned?.again, planned?.points], ['score', 'score', 7])
  assert.equal(actionFor(policy, {}), 'refuse')
})

test('all plans have the same checks in the same order', () => {
  const policy: Policy = {
    checks: { pregreet: { enabled: false } },
    exceptions: [exception({ hello: ['x'], checks: { pregreet: { enabled: true }, dnsbl: { enabled: false } } })],
  }
  const plans = new Plans(policy)
  const names = (plan: typeof plans.general) => plan.checks.map(({ name }) => name)
  assert.deepEqual(names(plans.for(party({ hello: 'x' }))), names(plans.general))
  assert.ok(!names(plans.general).includes('pregreet') && names(plans.general).includes('dnsbl'))
})

test('a plan is made once for each set of exceptions', () => {
  const plans = new Plans({ exceptions: [exception({ hello: ['x'] }), exception({ recipients: ['y'] })] })
  const both = party({ hello: 'x', recipient: 'y' })
  assert.equal(plans.for(both), plans.for(both))
  assert.notEqual(plans.for(both), plans.for(party({ hello: 'x' })))
  assert.equal(plans.for(party({})), plans.general)
})

test('a preset gives way to what the operator says, and gentle is the usual one', () => {
  const usual = makePlan({})
  assert.deepEqual(makePlan({ preset: 'gentle' }), usual)
  const own = makePlan({ preset: 'strict', checks: { dnsbl: { action: 'defer' } }, delays: { rcpt: 7 } })
  assert.equal(own.checks.find(({ name }) => name === 'dnsbl')?.action, 'defer')
  assert.deepEqual(own.delays, { ...presetSettings.strict.delays, rcpt: 7 })
})

test('no preset takes the second offence more lightly than the first', () => {
  const order = ['observe', 'score', 'defer', 'refuse', 'decoy', 'trap', 'drop']
  for (const preset of presets) {
    for (const { name, action, again } of makePlan({ preset }).checks) {
      assert.ok(order.indexOf(again) >= order.indexOf(action), `${preset}: ${name}`)
    }
  }
})
