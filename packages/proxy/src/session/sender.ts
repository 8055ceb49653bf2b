import { identitiesOf, isAsked, type Question, readHello, senderDomainOf, standingOf } from '@sallyport/rules'
import type { Session } from './session.ts'

/** Asks, if a check needs the answer. Nobody's DNS knows a private address, nor what those may say who have one. */
export function askFor(session: Session, question: Question): void {
  const { facts, plan, tally, port, arrival } = session
  if (facts.clientIsPrivate || arrival.health || !isAsked(question, plan, tally)) return
  port.ask(question)
}

/** What can be told of the latest HELO; `before`: the one before it in the same session, but for STARTTLS. */
export function noteHelloName(session: Session, name: string, before: string | null): void {
  const { facts, arrival, house } = session
  const us = { hostname: house.hostname, domains: house.recipientDomains, address: arrival.server }
  facts.helloClaim = readHello(name, arrival.client, us)
  if (before !== null && before.toLowerCase() !== name.toLowerCase()) facts.helloChangedFrom ??= before.slice(0, 255)
  if (facts.hello === name.slice(0, 255)) return
  facts.hello = name.slice(0, 255)
  facts.helloName = null
  if (facts.helloClaim === 'name' && !facts.helloMalformed) askFor(session, 'hello-name')
}

/** The name of the sender before speaks for no other: whoever is trusted for one could write as anybody. True: something was known of it. */
function forgetName({ facts, tally }: Session): boolean {
  const { reputes, standing, spf } = facts
  if (spf?.result !== 'pass' || reputes === null || reputes.identity === null) return false
  facts.reputes = { ...reputes, identity: null }
  facts.standing = standingOf(facts.reputes)
  if (facts.standing.trust < (standing?.trust ?? 0)) tally.retract('trusted')
  return true
}

/** A new transaction of the sender: what was known of another means nothing any more. */
export function noteSender(session: Session, path: string): void {
  const { facts } = session
  facts.transactions++
  facts.recipientsAsked = 0
  session.journal.asksOthers = false
  facts.sender = path.slice(0, 320)
  const isForgotten = forgetName(session)
  facts.spf = null
  if (isForgotten && identitiesOf(facts, session.arrival.client).length > 0) session.port.ask('identity')
  facts.senderDomain = senderDomainOf(facts.sender) === null ? 'unasked' : null
  if (facts.senderDomain === null) askFor(session, 'sender-domain')
  askFor(session, 'spf')
}
