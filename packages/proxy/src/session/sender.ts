import { isAsked, type Question, readHello, senderDomainOf } from '@sallyport/rules'
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

/** A new transaction of the sender: what was known of another means nothing any more. */
export function noteSender(session: Session, path: string): void {
  const { facts } = session
  facts.transactions++
  facts.recipientsAsked = 0
  facts.sender = path.slice(0, 320)
  facts.spf = null
  facts.senderDomain = senderDomainOf(facts.sender) === null ? 'unasked' : null
  if (facts.senderDomain === null) askFor(session, 'sender-domain')
  askFor(session, 'spf')
}
