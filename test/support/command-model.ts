import assert from 'node:assert/strict'
import { isUtf8 } from 'node:buffer'
import type { Session } from '@sallyport/proxy/session/session.js'
import { mayLogIn } from './ehlo-model.ts'
import { meet, type Thing } from './met.ts'
import type { Scene } from './reply-model.ts'
import { forbidden } from './told.ts'
import { isOfOthers } from './walk-house.ts'

const known: ReadonlySet<string> = new Set([
  ...['EHLO', 'HELO', 'MAIL', 'RCPT', 'DATA', 'RSET', 'QUIT', 'NOOP'],
  ...['VRFY', 'EXPN', 'HELP', 'ETRN', 'AUTH', 'STARTTLS'],
])

const openings: readonly Thing[] = [
  ...(['opened for greeting', 'opened for MAIL', 'opened for RCPT', 'opened for AUTH', 'opened for STARTTLS'] as const),
  ...(['opened for ETRN', 'opened for VRFY', 'opened for HELP', 'opened for EXPN'] as const),
]

/** The client has shown that it waits where it must: now, or before, or need not. */
const isProven = ({ tally, plan }: Session): boolean =>
  tally.hasPassed(plan, 'pregreet') && tally.hasPassed(plan, 'pipelining')

/** What no client may bring about, in any phase: `line` goes to a backend. */
export function checkCommand({ session, told }: Scene, line: string): void {
  const { house, arrival } = session
  const standing = { house, starttls: arrival.starttls, tls: told.tls }
  const verb = line.split(/[ \t]/, 1)[0]?.toUpperCase() ?? ''
  assert.ok(known.has(verb) || (house.verbs?.has(verb) ?? true), 'a verb that is not among those let through')
  const isAuth = /^AUTH[ \t]/i.test(line)
  assert.ok(line.length <= (isAuth ? 12_288 : house.limits.commandLine), 'a line over the limit')
  assert.doesNotMatch(line, forbidden, "a verb that is the gate's")
  assert.ok(told.tls || arrival.starttls !== 'required' || /^(?:EHLO|HELO|NOOP|QUIT)/i.test(line), 'before TLS')
  if (isAuth) assert.ok(mayLogIn(standing), 'a login of one who may not')
  if (/^STARTTLS(?:[ \t]|$)/i.test(line)) assert.equal(arrival.starttls, 'pass_through', 'TLS that is ours')
  if (/^(?:MAIL|RCPT)(?:[ \t]|$)/i.test(line) && /[\x80-\xff]/.test(line)) {
    const mail = /^MAIL/i.test(line) ? line : (told.mail ?? '')
    assert.match(mail, /[ \t]SMTPUTF8(?:[ \t]|$)/i, 'an address of 8 bit')
    assert.ok(isUtf8(Buffer.from(line, 'latin1')), 'an address that is not UTF-8')
    meet('address in UTF-8 relayed')
  }
  if (/^RCPT/i.test(line) && house.recipientDomains !== null)
    assert.match(line, /^RCPT TO:\s*<?(?:[a-z\x80-\xff]+@example\.test|postmaster)>?(?: [A-Z][A-Z\d-]*(?:=\S+)?)*$/i)
}

/** Which commands open a backend, whose, and for whom. */
export function checkOpening({ session, client, told, attempts }: Scene, group: string | null): void {
  const { house, arrival, tally } = session
  assert.ok(!told.loggedIn, 'another backend for a client that is logged in')
  const item = client.greeted ? client.item() : null
  assert.ok(item === null ? !client.greeted : item.kind === 'line', 'a backend for what is no command')
  const [verb, line] = item?.kind === 'line' ? [item.verb, item.line] : ['greeting', '']
  const isDecoy = group === '@decoy'
  if (isDecoy && !attempts.isDecoy) {
    meet('lured')
    assert.ok(verb === 'RCPT' && tally.verdict.action === 'decoy', 'lured, and no check wants it')
  }
  const expected = verb === 'RCPT' && isOfOthers(house, line) ? 'two' : null
  if (!isDecoy) assert.equal(group, expected, 'a backend of another group')
  meet(openings.find(thing => thing === `opened for ${verb}`) ?? 'opened for another verb')
  if (group === 'two') meet('opened the other group')
  assert.ok(!arrival.health || verb === 'RCPT' || verb === 'AUTH', 'a backend for a probe')
  assert.ok(verb === 'greeting' || told.hello !== null || told.mail !== null, 'a backend before hello')
  const early = arrival.starttls === 'required' && !told.tls && verb !== 'greeting'
  assert.ok(!early, 'a backend before TLS')
  if (verb === 'AUTH')
    return assert.ok(mayLogIn({ house, starttls: arrival.starttls, tls: told.tls }), 'a login of one who may not')
  assert.ok(isDecoy || told.mayEnter(tally.verdict.action, line), 'a backend for a client that has failed')
  if (verb === 'greeting') assert.equal(house.connect, 'greeting')
  // Commands that move no mail open it for nobody new, nor does a client that nobody knows hear its greeting.
  if (!['MAIL', 'RCPT', 'ETRN', 'STARTTLS'].includes(verb)) assert.ok(isProven(session), 'a backend for one of the new')
  if (verb === 'MAIL') assert.notEqual(house.connect, 'rcpt')
  if (verb === 'STARTTLS') assert.equal(arrival.starttls, 'pass_through')
  assert.ok(!['', 'EHLO', 'HELO', 'DATA', 'BDAT', 'RSET', 'NOOP', 'QUIT'].includes(verb), `a backend for ${verb}`)
}
