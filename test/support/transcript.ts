import assert from 'node:assert/strict'

/**
 * A transcript is a session told in virtual time. Comment lines begin with `#`; then come settings (`key: value`, see
 * `settings` below), an empty line, and rows in order of time: `@ms what text`.
 *
 * What goes in:
 *   C: text         the client sends a line (CRLF is added)
 *   C~ text         the client sends these octets, with the escapes \r \n \0 \\ \xHH, and \xHH{n} for n times that octet
 *   C| text         as C:, in one read together with the C| and C~ row before it (at the same instant)
 *   end             the client closes its side        broken   its connection breaks
 *   recalled passed=a,b failed=c client=7/1/2/3 network=9     the store answers: checks, and what is known of the mail of address and
 *                                    network (score/accepted/content/unknown); hellos=a.example,b.example: its names before
 *   known -12/30                     the same of a verified name
 *   blocked failed=c client=7/1 network=9 identity=-2     what the store knows by now: the client was blocked elsewhere meanwhile
 *   listed rank=2 list=bl.test rise=0 fall=0 failed=0 asked=1 ttl=300     DNS lists answer
 *   rated 60 of address in 60 s      which rate the connection is beyond; without words: none
 *   grey 300 192.0.2.0/24 a@x b@y   the store answers how long these are deferred yet, in seconds
 *   named host.example               reverse DNS answers; of a name that is not confirmed: named mismatch host.example
 *   hello-name found                 the DNS answers about the name in HELO (of=name: another than the latest)
 *   sender-domain null-mx            and about the sender's domain (of=path: another than the latest)
 *   spf fail domain=example.org mechanism=-all     SPF answers (of=path, helo=name: others than the latest)
 *   opened tls=required              the connection to the backend stands; tls as it is configured, off if not said
 *   secured client TLSv1.3 TLS_AES_128_GCM_SHA256 mx.example.test     TLS stands with the client (version, cipher, SNI)
 *   secured backend                  and with the backend
 *   B< text         the backend sends a line           B~ text   octets
 *   gone why        the backend's connection is gone   drain     the gate is about to stop
 *   time            nothing happens; deadlines up to here do
 * What must come out, all of it and nothing else, in this order and at this time:
 *   S: text         a line to the client               S~ text   octets
 *   B> text         a line to the backend              B] text   octets
 *   ask x · trap suspicion · open group · reopen · secure client · secure backend · abandon · close
 * At the end, if given:
 *   verdict refused pregreet         the session's verdict and the check that is its cause
 *   why 4 octets after 10 ms         what that check saw
 *   learnt pregreet !pipelining      what is remembered: passes, and failures with a !
 *   ending quit                      how the session ended, and behind a colon what the log says beyond that
 *   messages accepted=1 aborted=2    what became of the messages; those that are 0 are left out
 *   reached ok, error                how the attempts to reach the backend ended
 *   replied mail=20 rcpt=300         how long the backend took to answer what, in milliseconds
 *   logged {"helo":"spam","checks.spf":"pass"}     some fields of the session's log line
 */
export interface Row {
  readonly line: number
  readonly at: number
  readonly what: string
  readonly text: string
}

export interface Transcript {
  readonly name: string
  readonly settings: ReadonlyMap<string, string>
  readonly rows: readonly Row[]
}

export const inputs: ReadonlySet<string> = new Set([
  'C:',
  'C~',
  'C|',
  'end',
  'broken',
  'full',
  'taken',
  'recalled',
  'known',
  'blocked',
  'grey',
  'rated',
  'listed',
  'named',
  'hello-name',
  'sender-domain',
  'spf',
  'opened',
  'secured',
  'B<',
  'B~',
  'gone',
  'drain',
  'time',
])
export const outputs: ReadonlySet<string> = new Set([
  'S:',
  'S~',
  'B>',
  'B]',
  'ask',
  'trap',
  'open',
  'reopen',
  'secure',
  'abandon',
  'close',
])
export const results: ReadonlySet<string> = new Set([
  'verdict',
  'why',
  'learnt',
  'ending',
  'messages',
  'reached',
  'replied',
  'spent',
  'logged',
])
const known = new Set([
  'client',
  'access',
  'health',
  'wait',
  'policy',
  'lists',
  'asks',
  'server',
  'keywords',
  'domains',
  'xclient',
  'traps',
  'routes',
  'servers',
  'connect',
  'auth',
  'verbs',
  'withhold',
  'starttls',
  'tls',
  'bare_newline',
  'disarmed',
  'waits',
  'commands',
  'trap',
  'traps',
  'shed',
  'dice',
  'plays',
])

export function parseTranscript(name: string, text: string): Transcript {
  const settings = new Map<string, string>()
  const rows: Row[] = []
  text.split('\n').forEach((line, i) => {
    const where = `${name}:${i + 1}`
    if (line.trim() === '' || line.startsWith('#')) return
    const row = /^@(\d+) +(\S+)(?: (.*))?$/.exec(line)
    if (row !== null) {
      const what = row[2] ?? ''
      assert.ok(inputs.has(what) || outputs.has(what) || results.has(what), `${where}: no such row: ${what}`)
      const at = Number(row[1])
      assert.ok(at >= (rows.at(-1)?.at ?? 0), `${where}: time goes back`)
      rows.push({ line: i + 1, at, what, text: row[3] ?? '' })
      return
    }
    const setting = /^([a-z_]+): (.*)$/.exec(line)
    assert.ok(setting !== null && rows.length === 0, `${where}: neither a setting nor a row: ${line}`)
    assert.ok(known.has(setting[1] ?? ''), `${where}: no such setting: ${setting[1]}`)
    settings.set(setting[1] ?? '', setting[2] ?? '')
  })
  return { name, settings, rows }
}

/** The octets that a row stands for, escapes undone. */
export function octetsOf({ what, text }: Row): Buffer {
  const escaped = what === 'C~' || what === 'B~' || what === 'S~' || what === 'B]'
  return Buffer.from(escaped ? octetsWritten(text) : `${text}\r\n`, 'latin1')
}

function octetsWritten(text: string): string {
  return text.replace(/\\(r|n|0|\\|x[0-9a-f]{2})(?:\{(\d+)\})?/gi, (_, code: string, times = '1') => {
    switch (code[0]) {
      case 'r':
        return '\r'
      case 'n':
        return '\n'
      case '0':
        return '\0'
      case '\\':
        return '\\'
      default:
        return String.fromCharCode(Number.parseInt(code.slice(1), 16)).repeat(Number(times))
    }
  })
}
