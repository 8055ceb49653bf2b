import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHost, type DnsAnswer, type DnsQuestion, spfResults } from '@sallyport/rules'
import fc from 'fast-check'
import { addressOf } from '../../support/address.ts'

const names = ['example.net', 'a.example.net', 'b.example.org', 'mail.example.net']
const specs = [
  '',
  ':a.example.net',
  ':%{d}',
  ':%{p}.b.example.org',
  ':%{l1r+-}.%{i}.%{v}',
  ':%{h}',
  '/24//64',
  ':%{s99}.x.test',
]
const term = fc
  .tuple(
    fc.constantFrom('', '+', '-', '~', '?'),
    fc.constantFrom('all', 'a', 'mx', 'ptr', 'include', 'exists', 'ip4:192.0.2.0/24', 'ip6:2001:db8::/32'),
    fc.constantFrom(...specs),
  )
  .map(parts => parts.join(''))
const modifier = fc.constantFrom(
  'redirect=b.example.org',
  'exp=a.example.net',
  'exp=%{p}.x.test',
  'x=%{d}',
  'redirect=%{d}',
)
const record = fc.oneof(
  { weight: 5, arbitrary: fc.array(fc.oneof({ weight: 6, arbitrary: term }, modifier), { maxLength: 14 }) },
  { weight: 1, arbitrary: fc.array(fc.string({ unit: 'binary', maxLength: 30 }), { maxLength: 4 }) },
)
const text = fc.oneof(
  record.map(terms => ['v=spf1', ...terms].join(' ')),
  fc.string({ maxLength: 60 }),
  fc.constantFrom('%{p} of %{c}', '%{x}'),
)
const name = fc.oneof(fc.constantFrom(...names), fc.string({ unit: 'binary', maxLength: 80 }), fc.constant(''))
const data: Readonly<Record<DnsQuestion['type'], fc.Arbitrary<string>>> = {
  A: fc.constantFrom('192.0.2.3', '203.0.113.1', 'no address'),
  AAAA: fc.constantFrom('2001:db8::3', '::1', '::ffff:192.0.2.3'),
  MX: name,
  PTR: name,
  TXT: text,
}
const answer = (type: DnsQuestion['type']): fc.Arbitrary<DnsAnswer> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc
        .array(data[type], { minLength: 1, maxLength: type === 'TXT' ? 2 : 13 })
        .map((found): DnsAnswer => ({ kind: 'records', data: found })),
    },
    { weight: 1, arbitrary: fc.constant<DnsAnswer>({ kind: 'absent' }) },
    { weight: 1, arbitrary: fc.constant<DnsAnswer>({ kind: 'failed' }) },
  )

test('any records and any answers: it comes to an end within its limits, asks only for names, and never throws', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('192.0.2.3', '2001:db8::3'),
      fc.oneof(fc.constantFrom('', 'user@example.net', 'a-b+c@example.net'), fc.string({ unit: 'binary' })),
      name,
      fc.infiniteStream(
        fc.record({ A: answer('A'), AAAA: answer('AAAA'), MX: answer('MX'), PTR: answer('PTR'), TXT: answer('TXT') }),
      ),
      (client, sender, helo, answers) => {
        const check = checkHost({ client: addressOf(client), sender, helo, receiver: 'mx.example.test', now: 0 })
        let questions = 0
        let step = check.next()
        while (!step.done) {
          assert.ok(step.value.length > 0 && step.value.length <= 10)
          for (const question of step.value) {
            assert.ok(question.name.length > 0 && question.name.length <= 253, question.name)
            assert.match(question.name, /^(?:[ -[\]-~]{1,63}(?:\.|$))+$/)
          }
          questions += step.value.length
          assert.ok(questions <= 140, `${questions} questions`)
          step = check.next(step.value.map(({ type }) => answers.next().value[type]))
        }
        const { result, explanation, problem } = step.value
        assert.ok(spfResults.includes(result))
        assert.ok(explanation === null || (result === 'fail' && explanation.length <= 250))
        assert.equal(problem === null, result !== 'temperror' && result !== 'permerror')
      },
    ),
    { numRuns: 1500 },
  )
})
