import assert from 'node:assert/strict'
import { chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { proxyBlock } from '../e2e/client.ts'
import { freePort } from '../support/port.ts'
import { run } from '../support/process.ts'
import { pathOf } from './files.ts'
import { makePostfix, type PostfixInstance } from './postfix-instance.ts'
import { repliesTo } from './replies.ts'

describe('the Postfix of compose.yaml', () => {
  let postfix: PostfixInstance
  let port = 0
  before(async () => {
    port = await freePort()
    postfix = await makePostfix()
    const configure = pathOf('deploy/docker/postfix/configure')
    const recipe = pathOf('deploy/backends/postfix')
    const { code, stderr } = await run('sh', [configure, postfix.configuration, recipe, 'example.net'])
    assert.deepEqual([code, stderr], [0, ''])
  })
  after(() => postfix.remove())

  it('has the PROXY port as its only door, and trusts nobody but itself', async () => {
    const services = await postfix.run('postconf', '-M')
    const doors = services.stdout.split('\n').filter(line => /^\S+ +inet /.test(line) && !line.startsWith('smtp '))
    assert.equal(doors.length, 1)
    assert.match(doors[0] ?? '', /^10025 +inet +n +- +n +- +- +smtpd\b.*-o smtpd_upstream_proxy_protocol=haproxy/)
    assert.doesNotMatch(services.stdout, /^\S+ +\S+ +\S+ +\S+ +y /m, 'a service is chrooted')
    const settings = await postfix.run('postconf', '-h', 'master_service_disable', 'mynetworks', 'maillog_file')
    assert.deepEqual(settings.stdout.trim().split('\n'), ['smtp.inet', '127.0.0.0/8', '/dev/stdout'])
  })

  it('delivers what the gate hands over, and relays for nobody', async t => {
    await confine()
    const check = await postfix.run('postfix', 'check')
    assert.deepEqual([check.code, check.stdout, check.stderr], [0, '', ''])
    await postfix.start()
    assert.deepEqual(await postfix.listening(), [`127.0.0.1:${port}`])
    const replies = await repliesTo(t, port, proxyBlock('192.0.2.1'), [
      'EHLO client.example\r\n',
      'MAIL FROM:<a@client.example>\r\n',
      'RCPT TO:<x@elsewhere.example>\r\n',
      'RCPT TO:<anybody@example.net>\r\n',
      'DATA\r\n',
      'Subject: one\r\n\r\nhello\r\n.\r\n',
      'QUIT\r\n',
    ])
    assert.deepEqual(
      replies.map(reply => reply.slice(0, 3)),
      ['220', '250', '250', '554', '250', '354', '250', '221'],
    )
    await postfix.logged(/to=<anybody@example\.net>.* status=sent \(delivered to maildir\)/)
    const arrived = join(postfix.directory, 'mail/inbox/new')
    const [message = ''] = await readdir(arrived)
    assert.match(
      await readFile(join(arrived, message), 'utf8'),
      /^Received: from client\.example \(unknown \[192\.0\.2\.1\]\)/m,
    )
  })

  /** In the container all directories and ports are its own; here they are those of the instance. */
  async function confine(): Promise<void> {
    await postfix.confine()
    const mail = join(postfix.directory, 'mail')
    await mkdir(mail)
    await chown(mail, 8, 8)
    await postfix.run('postconf', '-e', `virtual_mailbox_base=${mail}`)
    const master = join(postfix.configuration, 'master.cf')
    await writeFile(master, (await readFile(master, 'utf8')).replace(/^10025 /m, `${port} `))
  }
})
