import { senderIdentity } from '@sallyport/rules'
import type { Connection } from './connection.ts'
import type { Ask } from './session/port.ts'

/** Finds out what a session asks. The answer comes in a later turn, never from within this call. */
export function ask(connection: Connection, question: Ask): void {
  const { session, gate, key } = connection
  // Who is not counted, a balancer's probe or who has just been turned away, is not remembered: nobody waits for an answer.
  if (session === null || key === null) return
  switch (question) {
    case 'recall':
      void gate.memory.recall(key, connection.ends.client).then(recalled => {
        connection.drive(() => session.answer(recalled, gate.clock()))
      })
      return
    case 'identity': {
      const name = senderIdentity(session.facts.spf)
      void gate.memory.recallIdentity(session).then(repute => {
        // It may be another sender's turn by now.
        const isSame = senderIdentity(session.facts.spf) === name
        if (repute !== null && isSame) connection.drive(() => session.answer({ ask: question, repute }, gate.clock()))
      })
      return
    }
    case 'dnsbl':
      gate.lookups.dnsbl.ask(connection.ends.client, finding => {
        connection.drive(() => session.answer({ ask: question, finding }, gate.clock()))
      })
      return
    case 'reverse-name':
      gate.lookups.reverseName.ask(connection.ends.client, name => {
        connection.drive(() => session.answer({ ask: question, name }, gate.clock()))
        if (name.kind === 'confirmed') ask(connection, 'identity')
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
        if (finding.result === 'pass') ask(connection, 'identity')
      })
      return
    }
    default:
      question satisfies never
  }
}
