import { isPositive } from '../smtp/reply.ts'
import type { Report } from './report.ts'
import type { Attempt, Behind, Surroundings } from './visit.ts'

/**
 * To whom a stranger must not be able to send through a backend. One name is not enough: a server may refuse a domain because
 * it takes no mail (example.com has a null MX, RFC 7505), because it does not exist (all of them, on a network without DNS), or
 * an address literal because it does not know those; and an open relay that has refused one so would look like a good server.
 * A literal needs no DNS. 192.0.2.0/24 and these names belong to nobody (RFC 5737, 2606), should a server call them at once.
 */
const foreign = ['sallyport-doctor@example.com', 'sallyport-doctor@[192.0.2.1]', 'sallyport-doctor@foreign.invalid']

export function relayRecipients({ recipient }: Surroundings): readonly string[] {
  return recipient === null ? foreign : [recipient, ...foreign]
}

/** The attempt that was accepted; undefined: none. */
export const relayed = (attempts: readonly Attempt[]): Attempt | undefined =>
  attempts.find(({ reply }) => isPositive(reply))

/** The refusal that says most: one for relaying, else one that is not about the name, else any. */
function refusalOf(attempts: readonly Attempt[]): { readonly attempt: Attempt; readonly certain: boolean } | null {
  // What we asked for is no word of the server's, and may well be "relay".
  const ours = attempts.flatMap(({ recipient }) => [recipient, recipient.slice(recipient.lastIndexOf('@') + 1)])
  const words = ({ reply }: Attempt) => ours.reduce((text, own) => text.replaceAll(own, ''), reply.text)
  const forRelaying = attempts.find(attempt => aboutRelaying.test(words(attempt)))
  const forGood = attempts.find(attempt => attempt.reply.code >= 500 && !aboutName.test(words(attempt)))
  const attempt = forRelaying ?? forGood ?? attempts[0]
  return attempt === undefined ? null : { attempt, certain: attempt === forRelaying || attempt === forGood }
}

const aboutRelaying = /relay|\b[45]\.7\.[01]\b|not permitted|authenticat/i
const aboutName = /domain|not found|resol|\bMX\b|\b[45]\.(?:1\.2|1\.3|1\.10|4\.[34]|5\.\d)\b|syntax|literal|unroutable/i

/** Reports whether the backend relays for a stranger, `who`. */
export function reportRelay(
  report: Report,
  { backend }: Behind,
  { recipientDomains }: Surroundings,
  who: string,
  attempts: readonly Attempt[],
  ms: number,
): void {
  const accepted = relayed(attempts)
  const point = 'relay'
  if (accepted !== undefined) {
    const saw = `it relays for ${who}: ${said(accepted)}`
    if (recipientDomains.length === 0) {
      const advice =
        backend.identity === 'none'
          ? 'set recipient_domains, or take the address of the gate out of those that it relays for (Postfix: mynetworks)'
          : 'let it relay for nobody on the port of the gate (Postfix: smtpd_relay_restrictions=permit_sasl_authenticated,reject_unauth_destination)'
      return report.fail(point, `OPEN RELAY: ${saw}`, ms, advice)
    }
    const saved = `${saw}; the gate refuses other domains before (recipient_domains)`
    if (backend.identity === 'none') return report.ok(point, saved, ms)
    return report.warn(point, saved, ms, 'it should refuse by itself as well: whoever reaches its port can relay')
  }
  const refusal = refusalOf(attempts)
  if (refusal === null) return
  const saw = `refused for ${who}: ${said(refusal.attempt)}`
  if (refusal.certain) return report.ok(point, saw, ms)
  const advice = 'that may be for another reason: name an address at a domain that exists and is not yours, --recipient'
  report.warn(point, saw, ms, advice)
}

const said = ({ recipient, reply }: Attempt): string => `RCPT TO:<${recipient}> ${reply.text.trimEnd()}`
