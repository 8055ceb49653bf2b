import { check, fail, pass, todo } from '../check.ts'

export const heloChange = check({
  name: 'helo-change',
  about: 'The client said one name in HELO and another one later, in the same session or the next.',
  mistakes:
    'Relays that send for several masters in one session. Between sessions: a server that was renamed, once, and several that share an address, until one of their names comes back.',
  source: '`smtp-helo-schizo` of smtpf',
  settles: 'command',
  action: 'observe',
  again: null,
  points: 1,
  ttl: 0,
  options: {
    sessions: {
      value: 1,
      min: 0,
      max: 1,
      about: '1: another name than in the sessions before, at this gate, is a change, too.',
    },
  },
  words: { enhanced: '5.1', text: 'Protocol error' },
  test({ hello, helloChangedFrom, helloBefore, enveloped }, options) {
    if (helloChangedFrom !== null) return fail(`${hello ?? ''}, before ${helloChangedFrom}`)
    const isOther = hello !== null && helloBefore !== null && !helloBefore.includes(hello.toLowerCase())
    if (options.sessions > 0 && isOther) return fail(`${hello}, in the session before ${helloBefore.at(-1) ?? ''}`)
    return enveloped ? pass : todo
  },
})
