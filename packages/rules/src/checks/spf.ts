import { check, fail, pass, privateAddress, todo, unknown } from '../check.ts'

/** What a domain says of who may write in its name (RFC 7208). Only `pass` and `fail` say anything; an error is nobody's fault here. */
export const spf = check({
  name: 'spf',
  about: "The sender's domain says that the client may not send for it (SPF, RFC 7208: fail).",
  mistakes: 'Every forwarder that keeps the sender, and domains that forgot one of their own servers.',
  source: 'RFC 7208',
  settles: 'command',
  scope: 'transaction',
  asks: 'spf',
  action: 'observe',
  again: null,
  points: 3,
  ttl: 0,
  options: {
    softfail: { value: 0, min: 0, max: 1, about: '1: a softfail fails, too.' },
  },
  words: { enhanced: '7.23', text: 'The domain of the sender does not let your address send for it (SPF)' },
  test({ spf: found, clientIsPrivate }, options) {
    if (clientIsPrivate) return privateAddress
    if (found === null) return todo
    const { result, domain, mechanism, problem } = found
    const isFail = result === 'fail' || (result === 'softfail' && options.softfail > 0)
    if (isFail) return fail(`${result} of ${domain} by ${mechanism ?? 'default'}`)
    if (result === 'pass') return pass
    return unknown(problem === null ? result : `${result}: ${problem}`)
  },
})
