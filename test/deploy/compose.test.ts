import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { cli } from '../support/gate.ts'
import { tempDirectory } from '../support/owner.ts'
import { run } from '../support/process.ts'
import { pathOf, textOf, yamlOf } from './files.ts'

interface Container {
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly args?: Record<string, string> }
  readonly image?: string
  readonly restart?: string
  readonly depends_on?: readonly string[]
  readonly ports?: readonly string[]
  readonly networks: readonly string[]
  readonly volumes: readonly string[]
  readonly user?: string
  readonly privileged?: boolean
  readonly network_mode?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly stop_grace_period?: string
}

interface Compose {
  readonly services: { readonly gate: Container; readonly redis: Container; readonly postfix: Container }
  readonly networks: Readonly<Record<string, { readonly internal?: boolean }>>
  readonly volumes: Readonly<Record<string, null>>
}

const folder = 'deploy/docker'

describe('compose.yaml', () => {
  let compose: Compose
  let services: (readonly [string, Container])[] = []
  before(async () => {
    compose = (await yamlOf(`${folder}/compose.yaml`)) as Compose
    services = Object.entries(compose.services)
  })

  it('is taken by docker-compose', async t => {
    // Debian's docker-compose is of version 1, which knows all of it but the name of the project.
    const directory = await tempDirectory(t, 'compose')
    const file = join(directory, 'compose.yaml')
    await writeFile(file, (await textOf(`${folder}/compose.yaml`)).replace(/^name: .*$/m, ''))
    const args = ['--project-directory', pathOf(folder), '-f', file, 'config', '--quiet']
    const { code, output } = await run('docker-compose', args)
    assert.equal(code, 0, output)
    assert.equal(output, '')
  })

  it('has the gate, its store and its mail server, started in an order that exists', () => {
    assert.deepEqual(Object.keys(compose.services).toSorted(), ['gate', 'postfix', 'redis'])
    assert.deepEqual(compose.services.gate.depends_on?.toSorted(), ['postfix', 'redis'])
  })

  it('names only files, networks and volumes that there are', async () => {
    const used = new Set<string>()
    for (const [name, { build, image, networks, volumes }] of services) {
      assert.ok(build ?? image, name)
      if (build !== undefined) assert.ok(await stat(pathOf(`${folder}/${build.context}/${build.dockerfile}`)))
      for (const network of networks) assert.ok(network in compose.networks, `${name}: ${network}`)
      for (const volume of volumes) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('.')) assert.ok((await stat(pathOf(`${folder}/${source}`))).isFile(), source)
        else used.add(source)
      }
    }
    assert.deepEqual([...used].toSorted(), Object.keys(compose.volumes).toSorted())
  })

  it('lets the outside reach port 25 of the gate, its metrics on loopback, and nothing else', () => {
    assert.deepEqual(compose.services.gate.ports, ['25:2525', '127.0.0.1:9525:9525'])
    for (const [name, { ports, network_mode }] of services) {
      assert.equal(network_mode, undefined, name)
      if (name !== 'gate') assert.equal(ports, undefined, name)
    }
  })

  it('gives the PROXY port, and Redis, a network without a way out that only the gate shares', () => {
    for (const name of ['postfix', 'redis'] as const) {
      const { networks } = compose.services[name]
      assert.equal(networks.length, 1, name)
      const [network = ''] = networks
      assert.equal(compose.networks[network]?.internal, true, network)
      const members = services.filter(([, service]) => service.networks.includes(network)).map(([member]) => member)
      assert.deepEqual(members.toSorted(), ['gate', name].toSorted())
    }
  })

  it('gives no container a right that it does not need', () => {
    for (const [name, { privileged, security_opt, restart }] of services) {
      assert.equal(privileged, undefined, name)
      assert.deepEqual(security_opt, ['no-new-privileges:true'], name)
      assert.equal(restart, 'unless-stopped', name)
    }
    for (const name of ['gate', 'redis'] as const) {
      assert.equal(compose.services[name].read_only, true, name)
      assert.deepEqual(compose.services[name].cap_drop, ['ALL'], name)
    }
    assert.equal(compose.services.redis.user, 'redis')
  })

  it('leaves the gate time to drain', () => {
    assert.ok(Number.parseInt(compose.services.gate.stop_grace_period ?? '', 10) > 60)
  })

  it('mounts a configuration that fits the ports, names and networks', async () => {
    const mount = compose.services.gate.volumes.find(volume => volume.includes('sallyport.yaml'))
    assert.equal(mount, './compose.sallyport.yaml:/etc/sallyport/sallyport.yaml:ro')
    const dockerfile = await textOf(`${folder}/Dockerfile`)
    assert.ok(dockerfile.includes('CMD ["run", "-c", "/etc/sallyport/sallyport.yaml"]'))
    assert.match(dockerfile, /^EXPOSE 2525 9525$/m)
    assert.deepEqual(await yamlOf(`${folder}/compose.sallyport.yaml`), {
      hostname: 'mx.example.net',
      listen: ['0.0.0.0:2525'],
      backend: { address: 'postfix:10025', identity: 'proxy_v2' },
      recipient_domains: [compose.services.postfix.build?.args?.['DOMAIN']],
      store: { kind: 'redis', url: 'redis://redis:6379' },
      admin: { listen: '0.0.0.0:9525' },
    })
  })

  it('mounts a configuration that the gate calls good', async () => {
    const file = pathOf(`${folder}/compose.sallyport.yaml`)
    const { code, stdout } = await run(process.execPath, [cli, 'check', '-c', file])
    assert.equal(code, 0, stdout)
  })
})
