import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { cli } from '../support/gate.ts'
import { freePort } from '../support/port.ts'
import { run } from '../support/process.ts'
import { unpacked } from '../support/unpacked.ts'
import { pathOf, textOf } from './files.ts'

const folder = 'deploy/systemd'
const installed = '/opt/sallyport/packages/proxy/dist/cli.js'

/** The values of one key of a unit file, in their order; sections are of no interest as no key is in two of ours. */
function values(unit: string, key: string): string[] {
  return unit
    .split('\n')
    .filter(line => line.startsWith(`${key}=`))
    .map(line => line.slice(key.length + 1))
}

describe('the systemd units', () => {
  let directory = ''
  let service = ''
  let socket = ''
  let template = ''
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sallyport-systemd-'))
    service = await textOf(`${folder}/sallyport.service`)
    socket = await textOf(`${folder}/sallyport.socket`)
    template = await textOf(`${folder}/sallyport@.service`)
    // systemd-analyze looks for the program of each Exec line, and Node is not everywhere in /usr/bin.
    await writeFile(join(directory, 'sallyport.service'), service.replaceAll('/usr/bin/node', process.execPath))
    await writeFile(join(directory, 'sallyport.socket'), socket)
    await mkdir(join(directory, 'sallyport.socket.d'))
    await writeFile(
      join(directory, 'sallyport.socket.d/cores.conf'),
      await textOf(`${folder}/sallyport.socket.d/cores.conf`),
    )
    await writeFile(join(directory, 'sallyport@.service'), template.replaceAll('/usr/bin/node', process.execPath))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  for (const unit of ['sallyport.service', 'sallyport.socket', 'sallyport@9525.service']) {
    it(`${unit} passes systemd-analyze verify without a word`, async () => {
      const verify = await run('systemd-analyze', ['verify', '--man=no', join(directory, unit)])
      assert.deepEqual([verify.code, verify.stdout, verify.stderr], [0, '', ''])
    })
  }

  it('expose no more than 1.6, as their README says', async () => {
    const unit = join(directory, 'sallyport.service')
    const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', unit])
    const level = /Overall exposure level for sallyport\.service: (\d+\.\d+)/.exec(stdout)?.[1]
    assert.ok(level !== undefined, stdout)
    assert.ok(Number(level) <= 1.6, `exposure is ${level}`)
  })

  it('are one for each core but for the name, the folder and the socket that all share', async () => {
    const code = (unit: string) => unit.split('\n').filter(line => !line.startsWith('#'))
    const own = code(template).filter(line => !code(service).includes(line))
    assert.deepEqual(own, [
      'Description=sallyport SMTP gate %i',
      'Sockets=sallyport.socket',
      'Environment=INSTANCE=%i',
      'StateDirectory=sallyport/%i',
      'WorkingDirectory=/var/lib/sallyport/%i',
    ])
    const missing = code(service).filter(line => !code(template).includes(line))
    assert.deepEqual(missing, [
      'Description=sallyport SMTP gate',
      'StateDirectory=sallyport',
      'WorkingDirectory=/var/lib/sallyport',
    ])
    const dropIn = await textOf(`${folder}/sallyport.socket.d/cores.conf`)
    assert.deepEqual(values(dropIn, 'Service'), ['sallyport@9525.service'])
  })

  it('have a configuration for one gate a core that the gate calls good, and a scrape for each', async () => {
    const args = [cli, 'check', '-c', pathOf(`${folder}/sallyport.cores.yaml`)]
    const check = await run('env', ['INSTANCE=9525', process.execPath, ...args])
    assert.deepEqual([check.code, check.stdout], [0, 'the configuration is good\n'])
    const readme = await textOf(`${folder}/README.md`)
    const [, scrape = ''] = /```yaml\n(scrape_configs:[^`]*)```/.exec(readme) ?? []
    const file = join(directory, 'scrape.yaml')
    await writeFile(file, scrape)
    const program = unpacked('prometheus', 'usr/bin/promtool')
    const checked = await run(program, ['check', 'config', file])
    assert.equal(checked.code, 0, checked.output)
    const queries = [...readme.matchAll(/```promql\n([^`]*)```/g)].flatMap(([, text = '']) => text.trim().split('\n'))
    assert.ok(queries.length > 0)
    const rules = queries.map((expr, i) => ({ record: `query:${i}`, expr }))
    await writeFile(join(directory, 'queries.yaml'), JSON.stringify({ groups: [{ name: 'queries', rules }] }))
    const parsed = await run(program, ['check', 'rules', join(directory, 'queries.yaml')])
    assert.equal(parsed.code, 0, parsed.output)
  })

  it('run the program that the build makes, by node itself', async () => {
    const manifest: { bin: unknown } = JSON.parse(await textOf('packages/proxy/package.json'))
    assert.deepEqual(manifest.bin, { sallyport: './dist/cli.js' })
    const node = `/usr/bin/node --enable-source-maps ${installed}`
    assert.deepEqual(values(service, 'ExecStart'), [`${node} run -c /etc/sallyport/sallyport.yaml`])
    assert.deepEqual(values(service, 'ExecReload'), [
      `${node} check -c /etc/sallyport/sallyport.yaml`,
      '/bin/kill -HUP $MAINPID',
    ])
  })

  it('let V8 write machine code, leave time to drain, and do not start again on a bad configuration', () => {
    assert.deepEqual(values(service, 'MemoryDenyWriteExecute'), [])
    assert.ok(Number(values(service, 'TimeoutStopSec')[0]) > 60)
    assert.deepEqual(values(service, 'RestartPreventExitStatus'), ['78'])
    assert.deepEqual(values(service, 'KillMode'), ['mixed'])
  })

  it('get port 25 from the socket, with no capability and no root', () => {
    assert.deepEqual(values(socket, 'ListenStream'), ['25'])
    assert.deepEqual(values(service, 'Requires'), ['sallyport.socket'])
    assert.deepEqual(values(service, 'CapabilityBoundingSet'), [''])
    assert.deepEqual(values(service, 'AmbientCapabilities'), [''])
    assert.deepEqual(values(service, 'User'), ['sallyport'])
  })

  it('have their user made by systemd-sysusers, with a home where the state is', async () => {
    await mkdir(join(directory, 'etc'))
    const { code, stderr } = await run('systemd-sysusers', [
      `--root=${directory}`,
      pathOf(`${folder}/sallyport.sysusers`),
    ])
    assert.equal(code, 0, stderr)
    const passwd = await readFile(join(directory, 'etc/passwd'), 'utf8')
    assert.match(passwd, /^sallyport:x:\d+:\d+:sallyport SMTP gate:\/var\/lib\/sallyport:\/usr\/sbin\/nologin$/m)
    assert.deepEqual(values(service, 'StateDirectory'), ['sallyport'])
    assert.deepEqual(values(service, 'WorkingDirectory'), ['/var/lib/sallyport'])
  })

  it('start the gate on the socket that systemd holds, and stop it with a good status', async () => {
    const configuration = join(directory, 'sallyport.yaml')
    await writeFile(
      configuration,
      "backend: {address: '127.0.0.1:1'}\nstore: {kind: memory}\nadmin: {listen: '127.0.0.1:0'}\n",
    )
    const start = (values(service, 'ExecStart')[0] ?? '')
      .replace('/usr/bin/node', process.execPath)
      .replace(installed, cli)
      .replace('/etc/sallyport/sallyport.yaml', configuration)
    const port = await freePort()
    const holder = ['--fdname=smtp', '-l', `127.0.0.1:${port}`, ...start.split(' ')]
    // It holds the port, and becomes the gate with the first client.
    const gate = spawn('systemd-socket-activate', holder, { stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = once(gate, 'exit')
    try {
      for await (const line of createInterface(gate.stderr)) if (line.startsWith('Listening on')) break
      const client = connect({ host: '127.0.0.1', port })
      const [greeting] = await once(
        client.setEncoding('latin1').setTimeout(10_000, () => client.destroy()),
        'data',
      )
      client.destroy()
      assert.match(greeting, /^220-/)
    } finally {
      gate.kill('SIGTERM')
    }
    assert.deepEqual(await ended, [0, null])
  })
})
