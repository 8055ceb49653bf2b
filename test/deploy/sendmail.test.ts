import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { queueId, ReplyReader } from '@sallyport/proxy/smtp/reply.js'
import { believing, connectAs, sendMail, untilRcpt } from '../e2e/client.ts'
import { blocksOf } from '../e2e/markdown.ts'
import { connect, type Dialogue } from '../support/dialogue.ts'
import { cli, type RunningGate, startGate } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import { tempDirectory } from '../support/owner.ts'
import { type Finished, run } from '../support/process.ts'
import { type Sendmail, startSendmail } from '../support/sendmail.ts'
import { pathOf, textOf } from './files.ts'

const recipe = 'deploy/backends/sendmail'
const readme = await textOf(`${recipe}/README.md`)
const [steps = '', , xconnectSteps = ''] = blocksOf(readme, 'sh')

/** Does what the recipe says, in the words of the recipe, with a free port in place of 10025; what the commands printed. */
async function apply(sendmail: Sendmail, commands: string): Promise<string> {
  for (const name of (await readdir(pathOf(recipe))).filter(name => name.endsWith('.fragment'))) {
    const text = await textOf(`${recipe}/${name}`)
    await writeFile(join(sendmail.directory, name), text.replaceAll('10025', `${sendmail.ports.gate}`))
  }
  const { code, stdout, stderr } = await sendmail.run(commands)
  assert.deepEqual([code, stderr], [0, ''])
  return stdout
}

/** What may be read as an address elsewhere; Sendmail with its own rules takes all but the one with two bare at signs. */
const elsewhere = [
  'victim@elsewhere.example',
  'victim%elsewhere.example@example.test',
  'elsewhere.example!victim@example.test',
  '@example.test:victim@elsewhere.example',
  '"victim@elsewhere.example"@example.test',
  'victim%elsewhere.example',
  'elsewhere.example!victim',
  '"victim@elsewhere.example"',
]

/** The replies to each of them. A connection for each: after three refusals Sendmail waits a second at every further one. */
async function answers(open: () => Promise<Dialogue>): Promise<string[]> {
  const replies: string[] = []
  for (const to of elsewhere) {
    const client = await open()
    replies.push(await untilRcpt(client, { to }))
    await client.command('QUIT', /^221/)
  }
  return replies
}

const all = (replies: readonly string[], pattern: RegExp) => {
  for (const [i, reply] of replies.entries()) assert.match(reply, pattern, elsewhere[i])
}

/** A gate in front of it, as the recipe has it: no identity, and the domains. */
function gateBefore(owner: Owner, port: number, settings = ''): Promise<RunningGate> {
  const backend = `backend: { address: '127.0.0.1:${port}', identity: none }`
  return gateWith(owner, `${backend}\nrecipient_domains: [example.test]\n${settings}`)
}

/** The same with the belt off. */
function gateOpenTo(owner: Owner, port: number): Promise<RunningGate> {
  const known = 'i_know_the_backend_sees_the_gate: true'
  return gateWith(owner, `backend: { address: '127.0.0.1:${port}', identity: none, ${known} }`)
}

function gateWith(owner: Owner, settings: string): Promise<RunningGate> {
  return startGate(owner, `${settings}\n${believing}\ngreet: { wait: 0s }`)
}

describe('the Sendmail recipe', async () => {
  const sendmail = await startSendmail({ after })
  const shown = await apply(sendmail, steps)
  await sendmail.stop()
  await sendmail.start()
  const atGate = (owner: Owner) => () => connect(owner, { port: sendmail.ports.gate })

  it('prints what it says it prints, and the rules are in the sendmail.cf that m4 made', async () => {
    assert.match(shown, /550 Relaying denied/)
    const cf = await readFile(join(sendmail.directory, 'etc/mail/sendmail.cf'), 'utf8')
    const port = `Family=inet, Name=gate, Port=${sendmail.ports.gate}, Addr=127.0.0.1, M=E`
    assert.match(cf, new RegExp(`^O DaemonPortOptions=${port}$`, 'm'))
    assert.match(cf, /^SLocal_check_rcpt\n/m)
  })

  it('as a whole configuration is what Debian ships and the fragment', async () => {
    await writeFile(join(sendmail.directory, 'whole.mc'), await textOf(`${recipe}/sendmail.mc`))
    await writeFile(join(sendmail.directory, 'fragment'), await textOf(`${recipe}/sendmail.mc.fragment`))
    const whole = await sendmail.run('m4 whole.mc')
    const both = await sendmail.run('cat /usr/share/sendmail/cf/debian/sendmail.mc fragment | m4')
    const rules = ({ stdout }: Finished) => stdout.split('\n').filter(line => line !== '' && !line.startsWith('#'))
    assert.deepEqual(rules(whole), rules(both))
    assert.ok(rules(whole).includes('O DaemonPortOptions=Family=inet, Name=gate, Port=10025, Addr=127.0.0.1, M=E'))
    assert.deepEqual([whole.stderr, both.stderr], ['', ''])
  })

  it('relays for nobody at the address of the gate, and for the programs of its own host as before', async t => {
    all(await answers(atGate(t)), /^550 5\.7\.1 .*Relaying denied$/)
    await sendmail.waitForLog(/ruleset=check_rcpt, arg1=<victim@elsewhere\.example>.*Relaying denied/)
    all(await answers(() => connect(t, { port: sendmail.ports.plain })), /^250 2\.1\.5 /)
  })

  it('takes mail for its own users there, postmaster without a domain too, and knows the others', async t => {
    for (const to of ['user@example.test', 'other@Example.Test', 'postmaster']) {
      assert.match(await untilRcpt(await atGate(t)(), { to }), /^250 2\.1\.5 /)
    }
    assert.match(await untilRcpt(await atGate(t)(), { to: 'stranger@example.test' }), /^550 5\.1\.1 .*User unknown$/)
  })

  it('takes mail for a domain that the access map lets anybody send to', async t => {
    const map = 'cd /etc/mail; printf "To:partner.example\\tRELAY\\n" >> access; makemap hash access < access'
    assert.equal((await sendmail.run(map)).code, 0)
    assert.match(await untilRcpt(await atGate(t)(), { to: 'user@partner.example' }), /^250 2\.1\.5 /)
    assert.match(await untilRcpt(await atGate(t)(), { to: 'user%elsewhere.example@partner.example' }), /^550 5\.7\.1 /)
  })

  it('offers no ETRN at the address of the gate', async t => {
    const client = await atGate(t)()
    await client.expect(/^220 /)
    assert.doesNotMatch((await client.command('EHLO client.example', /^250-PIPELINING$/m)).text, /ETRN/)
  })

  it('a message comes through the gate octet for octet, and the queue id of Sendmail is in the log of the gate', async t => {
    const gate = await gateBefore(t, sendmail.ports.gate)
    const lines = ['From: a@example.net', 'Date: Sat, 21 Nov 2026 12:00:00 +0000', 'Message-Id: <1@example.net>']
    const text = [
      ...lines,
      'Subject: octets',
      '',
      '..dots',
      'From the start',
      '\x80\xff\x01\t ',
      `${'x'.repeat(900)}`,
      '',
      'end',
      '',
    ]
    const already = (await sendmail.messages()).length
    const reply = await sendMail(await connectAs(t, gate, '192.0.2.7'), text.join('\r\n'))
    const [whole] = new ReplyReader().read(Buffer.from(`${reply}\r\n`))
    const id = whole === undefined ? null : queueId(whole)
    assert.equal(reply, `250 2.0.0 ${id} Message accepted for delivery`)
    const message = (await sendmail.waitForMessages(already + 1)).at(-1) ?? ''
    // Sendmail puts Return-Path and Received on top, and a file has LF for CR LF.
    assert.equal(message.slice(message.indexOf('From: ')), text.join('\n').replace('\n..', '\n.'))
    assert.match(
      message,
      new RegExp(`^Received: from client\\.example\\.net \\(localhost \\[127\\.0\\.0\\.1\\]\\)\n.* id ${id}$`, 'm'),
    )
    const line = await gate.waitForSession(({ client }) => client === '192.0.2.7')
    assert.deepEqual([line.verdict, line.queue_ids], ['passed', [id]])
    await sendmail.waitForLog(new RegExp(`^${id}: to=<user@example\\.test>.*stat=Sent$`))
  })

  it('is no open relay behind a gate that has lost its recipient_domains', async t => {
    const gate = await gateOpenTo(t, sendmail.ports.gate)
    all(await answers(() => connectAs(t, gate, '192.0.2.7')), /^550 5\.7\.1 .*Relaying denied$/)
  })

  it('Sendmail stopped is 451 and never 5xx; started again, mail goes on', async t => {
    const gate = await gateBefore(t, sendmail.ports.gate)
    const already = (await sendmail.messages()).length
    await sendmail.stop()
    assert.match(await untilRcpt(await connectAs(t, gate, '192.0.2.8')), /^451 4\.3\.0 /)
    await sendmail.start()
    assert.match(await sendMail(await connectAs(t, gate, '192.0.2.9'), 'Subject: again\r\n\r\n'), /^250 2\.0\.0 /)
    assert.equal((await sendmail.waitForMessages(already + 1)).length, already + 1)
  })

  it('shows configurations that the gate calls good', async t => {
    const shownOnes = blocksOf(readme, 'yaml')
    assert.equal(shownOnes.length, 2)
    for (const configuration of shownOnes) {
      const file = join(await tempDirectory(t, 'readme'), 'sallyport.yaml')
      await writeFile(file, configuration)
      const check = await run(process.execPath, [cli, 'check', '-c', file])
      assert.equal(check.code, 0, check.output)
    }
  })

  it('the rules of X-CONNECT say yes at the address of the gate, and no at every other', async () => {
    assert.match(await apply(sendmail, xconnectSteps), /x_connect +returns: yes$/m)
    const other = await sendmail.run(xconnectSteps.trimEnd().split('\n').at(-1)?.replace('gate', 'MTA-v4') ?? '')
    assert.match(other.stdout, /x_connect +returns: \$# no$/m)
  })
})

describe('the gate before a Sendmail that was left as Debian ships it', async () => {
  // What 8.17.1.9 did before Debian's patch, and what later ones do where the access map says so.
  const sendmail = await startSendmail({ after }, { access: 'Srv_Features:\tF G O U\n' })

  it('is no open relay with recipient_domains, though that Sendmail would relay for every client', async t => {
    const gate = await gateBefore(t, sendmail.ports.plain)
    all(await answers(() => connectAs(t, gate, '192.0.2.7')), /^55[04] 5\.\d\.\d .*; ref=\w+$/)
    assert.match(await untilRcpt(await connectAs(t, gate, '192.0.2.7')), /^250 2\.1\.5 /)
    assert.doesNotMatch(await sendmail.log(), /elsewhere/)
  })

  it('is an open relay without it', async t => {
    const gate = await gateOpenTo(t, sendmail.ports.plain)
    all(await answers(() => connectAs(t, gate, '192.0.2.7')), /^250 2\.1\.5 /)
  })

  it('xconnect to it: the log says why it cannot be, and clients hear 451', async t => {
    const gate = await gateWith(t, `backend: { address: '127.0.0.1:${sendmail.ports.plain}', identity: xconnect }`)
    const line = await gate.waitForLine(({ event }) => event === 'backend')
    assert.match(String(line['why']), /^it answered 5\d\d .*; was it built with _FFR_XCNCT, /)
    assert.match(await untilRcpt(await connectAs(t, gate, '192.0.2.7')), /^451 4\.3\.0 /)
  })

  const variants = {
    'LF.LF': '\n.\n',
    'LF.CRLF': '\n.\r\n',
    'CRLF.LF': '\r\n.\n',
    'CR.CR': '\r.\r',
    'CR.CRLF': '\r.\r\n',
    'CRLF.CR': '\r\n.\r',
    'CRLF.CRCRLF': '\r\n.\r\r\n',
    'CRLF NUL.CRLF': '\r\n\0.\r\n',
  }
  const stowaway =
    'MAIL FROM:<smuggled@client.example>\r\nRCPT TO:<user@example.test>\r\nDATA\r\nSubject: two\r\n\r\ntwo'

  /** How many messages it takes one for that has this in its text, and a second one behind. */
  async function taken(client: Dialogue, end: string): Promise<number> {
    const already = (await sendmail.messages()).length
    assert.match(await untilRcpt(client), /^250 /)
    await client.command('DATA', /^354/)
    client.sendRaw(`Subject: one\r\n\r\none${end}${stowaway}\r\n.\r\n`)
    await client.reply()
    client.send('QUIT')
    await client.closed
    const accepted = client.transcript().match(/Message accepted for delivery/g)?.length ?? 0
    return (await sendmail.waitForMessages(already + accepted)).length - already
  }

  for (const [action, messages] of [
    ['refuse', 0],
    ['observe', 1],
  ] as const) {
    it(`takes ${messages} messages for one that smuggles, in every variant, where that is to ${action}`, async t => {
      const gate = await gateBefore(t, sendmail.ports.plain, `checks: { smuggling: { action: ${action} } }`)
      // Who was refused for it once is suspect, and so is a network of several.
      for (const [i, [name, end]] of Object.entries(variants).entries()) {
        assert.equal(await taken(await connectAs(t, gate, `203.0.${113 + i}.7`), end), messages, name)
      }
    })
  }

  it('of which that Sendmail alone takes three for two', async t => {
    const smuggled: string[] = []
    for (const [name, end] of Object.entries(variants)) {
      if ((await taken(await connect(t, { port: sendmail.ports.plain }), end)) > 1) smuggled.push(name)
    }
    assert.deepEqual(smuggled, ['LF.LF', 'LF.CRLF', 'CRLF.LF'])
  })
})
