import { check, fail, pass, todo } from '../check.ts'
import { day } from '../duration.ts'

export const commands = check({
  name: 'commands',
  about: 'Too many commands that move no mail: unknown, malformed or out of order ones, NOOP, VRFY, repeated HELO.',
  mistakes: 'Interactive debugging by hand. Nothing is held against the client beyond the session by default.',
  source: 'MAXBADCOMMANDS of Sendmail (25), MaxUnknownCmd of James (5)',
  settles: 'command',
  action: 'drop',
  again: null,
  points: 5,
  ttl: 30 * day,
  options: {
    junk: { value: 20, min: 1, max: 1000, about: 'Junk commands from which a client fails.' },
  },
  words: { enhanced: '7.0', text: 'Too many errors', dropCode: 421 },
  test(facts, options) {
    if (facts.junkCommands >= options.junk) return fail(`${facts.junkCommands} junk commands of ${facts.commands}`)
    return facts.enveloped ? pass : todo
  },
})
