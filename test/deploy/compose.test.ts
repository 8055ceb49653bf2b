import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import type { Config } from '@sallyport/proxy/config/config.js'
import { formatNetwork } from '@sallyport/rules'
import { configOf } from '../support/config.ts'
import { cli } from '../support/gate.ts'
import { tempDirectory } from '../support/owner.ts'
import { run } from '../support/process.ts'
import { unpacked } from '../support/unpacked.ts'
import { pathOf, textOf, yamlOf } from './files.ts'

interface Container {
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly args?: Record<string, string> }
  readonly image?: string
  readonly restart?: string
  readonly depends_on?: readonly string[]
  readonly ports?: readonly string[]
  readonly networks: readonly string[] | Readonly<Record<string, { readonly ipv4_address?: string }>>
  readonly volumes: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly user?: string
  readonly privileged?: boolean
  readonly network_mode?: string
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly stop_grace_period?: string
}

interface Network {
  readonly internal?: boolean
  readonly ipam?: { readonly config: readonly { readonly subnet: string }[] }
}

const names = ['gate1', 'gate2', 'grafana', 'haproxy', 'postfix', 'prometheus', 'redis'] as const

interface Compose {
  readonly services: Readonly<Record<(typeof names)[number], Container>>
  readonly networks: Readonly<Record<string, Network>>
  readonly volumes: Readonly<Record<string, null>>
}

const networksOf = ({ networks }: Container): readonly string[] =>
  Array.isArray(networks) ? networks : Object.keys(networks)

const folder = 'deploy/docker'

describe('compose.yaml', () => {
  let compose: Compose
  let services: (readonly [string, Container])[] = []
  let gate: Config
  before(async () => {
    compose = (await yamlOf(`${folder}/compose.yaml`)) as Compose
    services = Object.entries(compose.services)
    gate = configOf(await textOf(`${folder}/compose.sallyport.yaml`))
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

  it('has two gates that are alike, and all that stands around them, started in an order that exists', () => {
    assert.deepEqual(Object.keys(compose.services).toSorted(), names)
    assert.deepEqual(compose.services.gate2, compose.services.gate1)
    for (const [name, { depends_on = [] }] of services) {
      for (const other of depends_on) assert.ok(other in compose.services, `${name}: ${other}`)
    }
    assert.deepEqual(compose.services.gate1.depends_on?.toSorted(), ['postfix', 'redis'])
    assert.deepEqual(compose.services.haproxy.depends_on, ['gate1', 'gate2'])
  })

  it('names only files, networks and volumes that there are', async () => {
    const used = new Set<string>()
    for (const [name, container] of services) {
      const { build, image, volumes } = container
      assert.ok(build ?? image, name)
      if (build !== undefined) assert.ok(await stat(pathOf(`${folder}/${build.context}/${build.dockerfile}`)))
      for (const network of networksOf(container)) assert.ok(network in compose.networks, `${name}: ${network}`)
      for (const volume of volumes) {
        const [source = ''] = volume.split(':')
        if (source.startsWith('.')) assert.ok((await stat(pathOf(`${folder}/${source}`))).isFile(), source)
        else used.add(source)
      }
    }
    assert.deepEqual([...used].toSorted(), Object.keys(compose.volumes).toSorted())
  })

  it('lets the outside reach port 25 of HAProxy, the operators their pages on loopback, and nothing else', () => {
    const open = services.flatMap(([name, { ports = [] }]) => ports.map(port => [name, port]))
    assert.deepEqual(open, [
      ['haproxy', '25:2525'],
      ['prometheus', '127.0.0.1:9090:9090'],
      ['grafana', '127.0.0.1:3000:3000'],
    ])
    for (const [name, { network_mode }] of services) assert.equal(network_mode, undefined, name)
  })

  it('gives the PROXY port, Redis, and the ports of the gates networks without a way out', () => {
    const members = (network: string) =>
      services.filter(([, service]) => networksOf(service).includes(network)).map(([name]) => name)
    const closed = Object.entries(compose.networks).filter(([, network]) => network?.internal === true)
    assert.deepEqual(Object.fromEntries(closed.map(([name]) => [name, members(name).toSorted()])), {
      gates: ['gate1', 'gate2', 'haproxy', 'prometheus'],
      store: ['gate1', 'gate2', 'redis'],
      mail: ['gate1', 'gate2', 'postfix'],
    })
    for (const name of ['postfix', 'redis'] as const) assert.equal(networksOf(compose.services[name]).length, 1, name)
  })

  it('gives no container a right that it does not need', () => {
    for (const [name, { privileged, security_opt, restart }] of services) {
      assert.equal(privileged, undefined, name)
      assert.deepEqual(security_opt, ['no-new-privileges:true'], name)
      assert.equal(restart, 'unless-stopped', name)
    }
    for (const name of ['gate1', 'redis', 'haproxy', 'prometheus'] as const) {
      assert.equal(compose.services[name].read_only, true, name)
      assert.deepEqual(compose.services[name].cap_drop, ['ALL'], name)
    }
    assert.equal(compose.services.redis.user, 'redis')
    assert.deepEqual(compose.services.gate1.tmpfs, ['/var/lib/sallyport:uid=65532,gid=65532,mode=700'])
  })

  it('leaves the gates time to drain', () => {
    const { delay, wait } = gate.drain
    assert.ok(Number.parseInt(compose.services.gate1.stop_grace_period ?? '', 10) * 1000 > delay + wait)
  })

  it('has gates that believe HAProxy at the address that it is given, and nobody else', () => {
    const { networks, volumes } = compose.services.haproxy
    const address = Array.isArray(networks) ? '' : networks['gates' as never]?.['ipv4_address']
    assert.match(compose.networks['gates']?.ipam?.config[0]?.subnet ?? '', /^172\.30\.25\.0\/24$/)
    assert.equal(address, '172.30.25.10')
    assert.equal(gate.trustedProxies.map(formatNetwork).join(), `${address}/32`)
    assert.deepEqual(volumes, ['./haproxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro'])
  })

  it('has an HAProxy like that of the recipe, for the ports of the gates', async t => {
    const text = await textOf(`${folder}/haproxy.cfg`)
    const lines = (part: string) => part.split('\n').filter(line => line !== '' && !/^ *#/.test(line))
    const recipe = lines(await textOf('deploy/balancers/haproxy/haproxy.cfg'))
    const missing = recipe.filter(line => !lines(text).includes(line))
    assert.deepEqual(missing, [
      '    log /dev/log local0',
      '    chroot /var/lib/haproxy',
      '    user haproxy',
      '    group haproxy',
      '    stats socket /run/haproxy/admin.sock mode 660 level admin',
      '    bind :::25 v4v6',
      '    default-server check inter 2s fall 2 rise 2 send-proxy-v2 slowstart 10s',
      '    server gate1 192.0.2.11:25',
      '    server gate2 192.0.2.12:25',
    ])
    const { port } = gate.listen[0] ?? { port: 0 }
    for (const name of ['gate1', 'gate2']) assert.ok(text.includes(`    server ${name} ${name}:${port}\n`))
    assert.ok(text.includes(`tcp-check connect port ${gate.admin.listen?.port}\n`))
    const file = join(await tempDirectory(t, 'haproxy'), 'haproxy.cfg')
    await writeFile(file, text)
    const { code, output } = await run(unpacked('haproxy', 'usr/sbin/haproxy'), ['-c', '-f', file])
    assert.equal(code, 0, output)
  })

  it('has a Prometheus that asks both gates and knows the alerts, and a Grafana that has it and the dashboard', async t => {
    const directory = await tempDirectory(t, 'prometheus')
    await writeFile(join(directory, 'prometheus.yaml'), await textOf(`${folder}/prometheus.yaml`))
    await writeFile(join(directory, 'alerts.yaml'), await textOf('deploy/prometheus/alerts.yaml'))
    const program = unpacked('prometheus', 'usr/bin/promtool')
    const { code, output } = await run(program, ['check', 'config', join(directory, 'prometheus.yaml')])
    assert.equal(code, 0, output)
    const { port } = gate.admin.listen ?? { port: 0 }
    assert.ok((await textOf(`${folder}/prometheus.yaml`)).includes(`["gate1:${port}", "gate2:${port}"]`))
    const { datasources } = (await yamlOf(`${folder}/grafana/datasource.yaml`)) as { datasources: { url: string }[] }
    assert.equal(datasources[0]?.url, 'http://prometheus:9090')
    const { providers } = (await yamlOf(`${folder}/grafana/dashboards.yaml`)) as {
      providers: { options: { path: string } }[]
    }
    const mounted = compose.services.grafana.volumes.map(volume => volume.split(':')[1] ?? '')
    assert.ok(mounted.some(path => path.startsWith(`${providers[0]?.options.path}/`)))
  })

  it('mounts a configuration that fits the ports, names and networks', async () => {
    const mount = compose.services.gate1.volumes.find(volume => volume.includes('sallyport.yaml'))
    assert.equal(mount, './compose.sallyport.yaml:/etc/sallyport/sallyport.yaml:ro')
    const dockerfile = await textOf(`${folder}/Dockerfile`)
    assert.ok(dockerfile.includes('CMD ["run", "-c", "/etc/sallyport/sallyport.yaml"]'))
    assert.match(dockerfile, /^EXPOSE 2525 9525$/m)
    assert.deepEqual(await yamlOf(`${folder}/compose.sallyport.yaml`), {
      hostname: 'mx.example.net',
      listen: ['0.0.0.0:2525'],
      trusted_proxies: ['172.30.25.10'],
      backend: { address: 'postfix:10025', identity: 'proxy_v2' },
      recipient_domains: [compose.services.postfix.build?.args?.['DOMAIN']],
      store: { kind: 'redis', url: 'redis://redis:6379' },
      admin: { listen: '0.0.0.0:9525' },
      drain: { delay: '10s', wait: '1m' },
    })
  })

  it('mounts a configuration that the gate calls good', async () => {
    const file = pathOf(`${folder}/compose.sallyport.yaml`)
    const { code, stdout } = await run(process.execPath, [cli, 'check', '-c', file])
    assert.equal(code, 0, stdout)
  })
})
