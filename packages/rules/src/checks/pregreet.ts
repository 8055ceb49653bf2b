import { check, fail, pass, todo, unknown } from '../check.ts'
import { day } from '../duration.ts'

/**
 * It is the server's turn from accept to the end of the greeting; octets that come in it came before their turn
 * (RFC 5321 3.1, 4.3.1). Measures the client, not the message: a pass holds for a day, as postscreen's does.
 */
export const pregreet = check({
  name: 'pregreet',
  about: 'The client talked before the greeting was complete.',
  mistakes:
    'A balancer that waits for client data before it connects makes every client look so; TLS clients on the wrong port; ' +
    'a few home-made senders. They come back after the deferral, or are put on the allow list.',
  source: 'RFC 5321 3.1 and 4.3.1; the pregreet test of postscreen(8), `greet_pause` of Sendmail',
  settles: 'greet',
  action: 'defer',
  again: 'refuse',
  points: 5,
  ttl: day,
  options: {},
  words: { enhanced: '5.1', text: 'Protocol error' },
  test(facts) {
    if (facts.pregreetBytes > 0) return fail(`${facts.pregreetBytes} octets after ${facts.pregreetAfter} ms`)
    if (facts.greeted) return facts.greetWait > 0 ? pass : unknown('did not have to wait')
    return todo
  },
})
