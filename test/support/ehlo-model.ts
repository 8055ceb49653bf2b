import assert from 'node:assert/strict'
import type { House } from '@sallyport/proxy/session/house.js'

/** What a session may say of itself in its EHLO reply. */
export interface Standing {
  readonly house: House
  readonly starttls: 'off' | 'offered' | 'required' | 'pass_through'
  readonly tls: boolean
}

/** When a client may log in: never mind who it is. */
export const mayLogIn = ({ house, tls }: Standing): boolean =>
  !house.withhold.has('AUTH') && (house.auth === 'always' || (house.auth === 'tls' && tls))

/** A line of the backend's; AUTH may have fewer mechanisms, because some are for those who see the client's TLS. */
function isSaid(lines: readonly string[], word: string): boolean {
  const mechanisms = /^AUTH[ =](.*)$/i.exec(word)?.[1]?.split(' ')
  if (mechanisms === undefined) return lines.includes(word)
  assert.ok(!mechanisms.some(name => /^EXTERNAL$|-PLUS$/i.test(name)), `offers ${word}`)
  return lines.some(
    line => /^AUTH[ =]/i.test(line) && mechanisms.every(name => line.slice(5).split(' ').includes(name)),
  )
}

/** An EHLO reply has only lines of the backend's, or our own STARTTLS, and none that must not be passed on. `said`: the backend's. */
export function checkKeywords(text: string, said: string | null, standing: Standing): void {
  const words = (reply: string) =>
    reply
      .split('\r\n')
      .slice(1, -1)
      .map(line => line.slice(4))
  const { house, starttls, tls } = standing
  if (said !== null) assert.equal(text.split('\r\n', 1)[0]?.slice(4), said.split('\r\n', 1)[0]?.slice(4))
  for (const word of words(text)) {
    const keyword = word.toUpperCase().split(/[ =]/, 1)[0] ?? ''
    assert.doesNotMatch(keyword, /^(?:XCLIENT|XFORWARD|X-CONNECT|BURL|TURN|ATRN|X-EXPS|XEXCH50)$/)
    assert.ok(!house.withhold.has(keyword), `offers ${keyword}, which is withheld`)
    if (keyword === 'AUTH') assert.ok(mayLogIn(standing), 'offers AUTH to one who may not log in')
    if (keyword === 'STARTTLS') assert.ok(starttls !== 'off' && !tls, 'offers STARTTLS to one who cannot have it')
    const own = keyword === 'STARTTLS' && starttls !== 'pass_through'
    if (said !== null && !own) assert.ok(isSaid(words(said), word), `offers ${word}`)
    if (said === null && !own) assert.ok(house.offer.has(keyword), `offers ${word}`)
  }
}
