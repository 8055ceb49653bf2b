import { check, fail, pass, todo } from '../check.ts'

export const heloChange = check({
  name: 'helo-change',
  about: 'The client said one name in HELO and another one later, in the same session.',
  mistakes: 'Relays that send for several masters in one session. Between sessions: all that share an address.',
  source: '`smtp-helo-schizo` of smtpf',
  settles: 'command',
  action: 'observe',
  again: null,
  points: 1,
  ttl: 0,
  options: {
    sessions: { value: 0, min: 0, max: 1, about: '1: another name than in the session before is a change, too.' },
  },
  words: { enhanced: '5.1', text: 'Protocol error' },
  test({ hello, helloChangedFrom, helloBefore, enveloped }, options) {
    if (helloChangedFrom !== null) return fail(`${hello ?? ''}, before ${helloChangedFrom}`)
    const isOther = hello !== null && helloBefore !== null && hello.toLowerCase() !== helloBefore.toLowerCase()
    if (options.sessions > 0 && isOther) return fail(`${hello}, in the session before ${helloBefore}`)
    return enveloped ? pass : todo
  },
})
