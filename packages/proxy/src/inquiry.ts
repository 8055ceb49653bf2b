import { identitiesOf, nameIdentity, senderIdentity } from '@sallyport/rules'
import type { Connection } from './connection.ts'
import type { Ask, Recalled } from './session/port.ts'
import type { Session } from './session/session.ts'

/** Finds out what a session asks. The answer comes in a later turn, never from within this call. */
export function ask(connection: Connection, question: Ask): void {
  const { session, gate, key } = connection
  // Who is not counted, a balancer's probe or who has just been turned away, is not remembered: nobody waits for an answer.
  if (session === null || key === null) return
  switch (question) {
    case 'recall':
      void recall(connection, key).then(recalled => {
        connection.drive(() => session.answer(recalled, gate.clock()))
      })
      return
    case 'identity':
      return identify(connection, session, identitiesOf(session.facts, connection.ends.client))
    case 'dnsbl':
      gate.lookups.dnsbl.ask(connection.ends.client, finding => {
        connection.drive(() => session.answer({ ask: question, finding }, gate.clock()))
      })
      return
    case 'reverse-name':
      gate.lookups.reverseName.ask(connection.ends.client, name => {
        connection.drive(() => session.answer({ ask: question, name }, gate.clock()))
        identify(connection, session, [nameIdentity(name, connection.ends.client)])
      })
      return
    case 'rate':
      void gate.memory.rate(session, key).then(over => {
        connection.drive(() => session.answer({ ask: question, over }, gate.clock()))
      })
      return
    case 'greylist':
      void gate.memory.greylist(session, key).then(found => {
        if (found !== null) connection.drive(() => session.answer({ ask: question, ...found }, gate.clock()))
      })
      return
    case 'hello-name': {
      const hello = session.facts.hello ?? ''
      gate.lookups.helloName(hello, found => {
        connection.drive(() => session.answer({ ask: question, hello, found }, gate.clock()))
      })
      return
    }
    case 'sender-domain': {
      const sender = session.facts.sender ?? ''
      gate.lookups.senderDomain(sender, found => {
        connection.drive(() => session.answer({ ask: question, sender, found }, gate.clock()))
      })
      return
    }
    case 'spf': {
      const about = { sender: session.facts.sender ?? '', hello: session.facts.hello ?? '' }
      gate.lookups.spf.ask(connection.ends.client, about, finding => {
        connection.drive(() => session.answer({ ask: question, ...about, finding }, gate.clock()))
        identify(connection, session, [senderIdentity(finding)])
      })
      return
    }
    default:
      question satisfies never
  }
}

/** What is known of the client, and not before it is known whether it has a place. */
async function recall(connection: Connection, key: string): Promise<Recalled> {
  const { gate, ends } = connection
  // Side by side: of a store that is late nobody waits for the one and then for the other.
  const [recalled] = await Promise.all([gate.memory.recall(key, ends.client), connection.entering])
  return recalled
}

/** Asks the store of names that have just been verified; those that were before have been asked for. */
function identify(connection: Connection, session: Session, verified: readonly (string | null)[]): void {
  const { gate } = connection
  const names = verified.filter(name => name !== null)
  if (names.length === 0) return
  const sender = senderIdentity(session.facts.spf)
  void gate.memory.recallIdentity(names).then(repute => {
    // It may be another sender's turn by now.
    const isSame = senderIdentity(session.facts.spf) === sender
    if (repute !== null && isSame) connection.drive(() => session.answer({ ask: 'identity', repute }, gate.clock()))
  })
}

/** Asks the store of the client and all its names once more: one of them is blocked. */
export function askAgain(connection: Connection): void {
  const { gate, ends, key, session } = connection
  if (session === null || session.isDone) return
  const names = identitiesOf(session.facts, ends.client)
  const sender = senderIdentity(session.facts.spf)
  const asked = [gate.memory.recall(key ?? '', ends.client), gate.memory.recallIdentity(names)] as const
  void Promise.all(asked).then(([{ failed, client, network }, found]) => {
    const isSame = senderIdentity(session.facts.spf) === sender
    const identity = isSame ? found : (session.facts.reputes?.identity ?? null)
    connection.drive(() => session.answer({ ask: 'block', failed, client, network, identity }, gate.clock()))
  })
}
