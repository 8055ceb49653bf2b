// The recipes of balancers that cannot be run here: what they say is held against itself, against the gate, and against the names in the
// documentation of each.

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Config } from '@sallyport/proxy/config/config.js'
import { parse, parseAllDocuments } from 'yaml'
import { configOf } from '../support/config.ts'
import { cli, startGate } from '../support/gate.ts'
import { run } from '../support/process.ts'
import { startSink } from '../support/sink.ts'
import { testSettings } from './balancer-cases.ts'
import { textOf, yamlOf } from './files.ts'

const folder = 'deploy/balancers'

/** All keys of a value, as `a.b.c`; of the elements of a list, as those of one. */
function keysOf(value: unknown, path = ''): Set<string> {
  if (Array.isArray(value)) return new Set(value.flatMap(each => [...keysOf(each, path)]))
  if (typeof value !== 'object' || value === null) return new Set([path])
  return new Set(
    Object.entries(value).flatMap(([key, each]) => [...keysOf(each, path === '' ? key : `${path}.${key}`)]),
  )
}

/** The longest that the gate lets both sides be silent, ms. */
function longestSilence({ timeouts }: Config): number {
  const { session: _, screening: __, ...silences } = timeouts
  return Math.max(...Object.values(silences))
}

describe('the Traefik recipe', () => {
  testSettings(`${folder}/traefik`, [Number.POSITIVE_INFINITY])

  it('uses the keys that Traefik documents, and no other', async () => {
    assert.deepEqual(
      [...keysOf(await yamlOf(`${folder}/traefik/traefik.yaml`))],
      [
        'entryPoints.smtp.address',
        'entryPoints.smtp.transport.respondingTimeouts.readTimeout',
        'providers.file.filename',
      ],
    )
    const { tcp } = (await yamlOf(`${folder}/traefik/smtp.yaml`)) as { readonly tcp: unknown }
    assert.deepEqual(
      [...keysOf(tcp)],
      [
        ...['entryPoints', 'rule', 'service'].map(key => `routers.smtp.${key}`),
        ...['serversTransport', 'servers.address'].map(key => `services.gates.loadBalancer.${key}`),
        ...['port', 'send', 'expect', 'interval', 'unhealthyInterval', 'timeout'].map(
          key => `services.gates.loadBalancer.healthCheck.${key}`,
        ),
        ...['dialTimeout', 'dialKeepAlive', 'terminationDelay', 'proxyProtocol.version'].map(
          key => `serversTransports.gate.${key}`,
        ),
      ],
    )
  })

  it('has one router without TLS, so that the gate speaks first, and PROXY for a gate that trusts it', async () => {
    const { tcp } = (await yamlOf(`${folder}/traefik/smtp.yaml`)) as { readonly tcp: TraefikTcp }
    const { entryPoints } = (await yamlOf(`${folder}/traefik/traefik.yaml`)) as { readonly entryPoints: object }
    assert.deepEqual(Object.values(tcp.routers), [{ entryPoints: ['smtp'], rule: 'HostSNI(`*`)', service: 'gates' }])
    assert.deepEqual(Object.keys(entryPoints), ['smtp'])
    const { servers, serversTransport, healthCheck } = tcp.services.gates.loadBalancer
    assert.equal(tcp.serversTransports[serversTransport]?.proxyProtocol.version, 2)
    const gate = configOf(await textOf(`${folder}/traefik/sallyport.yaml`))
    assert.equal(gate.trustedProxies.length, 1)
    assert.equal(servers[0]?.address, `${gate.listen[0]?.host}:${gate.listen[0]?.port}`)
    assert.equal(healthCheck.port, gate.admin.listen?.port)
    assert.ok(
      gate.drain.delay > 1000 * (Number.parseInt(healthCheck.interval, 10) + Number.parseInt(healthCheck.timeout, 10)),
    )
  })

  it('asks the admin port so that a gate that is ready answers what is expected, and one that drains does not', async t => {
    const { tcp } = (await yamlOf(`${folder}/traefik/smtp.yaml`)) as { readonly tcp: TraefikTcp }
    const { send, expect } = tcp.services.gates.loadBalancer.healthCheck
    const sink = await startSink(t, { proxy: true })
    const gate = await startGate(t, `backend: 127.0.0.1:${sink.port}\ndrain: { delay: 2s, wait: 1s }`)
    const answer = async () => {
      const socket = connect(gate.adminPort, '127.0.0.1')
      socket.write(send)
      const octets: Buffer[] = []
      for await (const each of socket) octets.push(each as Buffer)
      return Buffer.concat(octets).toString('latin1', 0, expect.length)
    }
    assert.equal(await answer(), expect)
    gate.signal('SIGTERM')
    await gate.waitForLine(({ event }) => event === 'drain')
    assert.notEqual(await answer(), expect)
  })
})

interface TraefikTcp {
  readonly routers: Readonly<Record<string, unknown>>
  readonly services: {
    readonly gates: {
      readonly loadBalancer: {
        readonly servers: readonly { readonly address: string }[]
        readonly serversTransport: string
        readonly healthCheck: {
          readonly port: number
          readonly send: string
          readonly expect: string
          readonly interval: string
          readonly timeout: string
        }
      }
    }
  }
  readonly serversTransports: Readonly<Record<string, { readonly proxyProtocol: { readonly version: number } }>>
}

describe('the AWS recipe', async () => {
  const terraform = await textOf(`${folder}/aws-nlb/main.tf`)
  const gate = configOf(await textOf(`${folder}/aws-nlb/sallyport.yaml`))
  const value = (key: string) => new RegExp(`^ +${key} += (.*)$`, 'm').exec(terraform)?.[1]

  testSettings(`${folder}/aws-nlb`, [Number(value('tcp_idle_timeout_seconds'))])

  it('sends PROXY to the port of a gate that trusts it, and no client address besides', () => {
    assert.deepEqual([value('proxy_protocol_v2'), value('preserve_client_ip')], ['true', 'false'])
    assert.ok(gate.trustedProxies.length > 0)
    const ports = /smtp = (\d+), admin = (\d+)/g
    const opened = [...terraform.matchAll(ports)].map(([, smtp, admin]) => [Number(smtp), Number(admin)])
    const own = [gate.listen[0]?.port, gate.admin.listen?.port]
    assert.deepEqual(opened, [own, own])
    const group = terraform.slice(terraform.indexOf('"aws_lb_target_group" "gates"'))
    assert.match(group, new RegExp(`^ +port +${`= ${own[0]}`}$`, 'm'))
    assert.match(group, new RegExp(`health_check \\{[^}]*port +${`= ${own[1]}`}\\n +path += "/readyz"`))
  })

  it('cuts nobody off whose gate drains, and notices before the port closes', () => {
    assert.deepEqual(
      [value('connection_termination'), value('enable_unhealthy_connection_termination')],
      ['false', 'false'],
    )
    assert.ok(gate.drain.delay > 1000 * (2 * Number(value('interval')) + Number(value('timeout'))))
    assert.ok(Number(value('deregistration_delay')) * 1000 >= gate.drain.delay + gate.drain.wait)
  })

  it('has systemd wait for a gate that drains as long as that may take, where the unit does not', async () => {
    const { drain, timeouts } = gate
    const [, unit] = /^TimeoutStopSec=(\d+)$/m.exec(await textOf('deploy/systemd/sallyport.service')) ?? []
    assert.ok(Number(unit) * 1000 <= drain.delay + drain.wait)
    const [, told] = /`TimeoutStopSec=(\d+)`/.exec(await textOf(`${folder}/aws-nlb/README.md`)) ?? []
    assert.ok(Number(told) * 1000 > drain.delay + drain.wait + timeouts.backendFinal, told)
  })
})

describe('the Kubernetes recipe', async () => {
  const objects = parseAllDocuments(await textOf(`${folder}/kubernetes/sallyport.yaml`), { strict: true })
  const of = (kind: string) => objects.map(document => document.toJSON()).find(object => object.kind === kind)
  const { spec: pods, metadata } = of('Deployment').spec.template
  const [container] = pods.containers
  const text: string = of('ConfigMap').data['sallyport.yaml']
  const gate = configOf(text)

  it('has files without a fault, and labels by which each finds the other', () => {
    assert.deepEqual(
      objects.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
      [],
    )
    const kinds = objects.map(document => document.toJSON().kind)
    assert.deepEqual(kinds, ['ConfigMap', 'Deployment', 'Service', 'PodDisruptionBudget'])
    const label = { app: 'sallyport' }
    const spread = pods.topologySpreadConstraints[0].labelSelector.matchLabels
    const budget = of('PodDisruptionBudget').spec.selector.matchLabels
    const found = [
      metadata.labels,
      of('Deployment').spec.selector.matchLabels,
      of('Service').spec.selector,
      budget,
      spread,
    ]
    for (const one of found) assert.deepEqual(one, label)
  })

  it('has a gate configuration that the gate calls good', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sallyport-kubernetes-'))
    try {
      const file = join(directory, 'sallyport.yaml')
      await writeFile(file, text)
      const { code, stdout } = await run(process.execPath, [cli, 'check', '-c', file])
      assert.equal(code, 0, stdout)
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })

  it('asks and serves the ports that the gate has, and mounts what the image reads', async () => {
    const ports = Object.fromEntries(
      container.ports.map((port: { name: string; containerPort: number }) => [port.name, port.containerPort]),
    )
    assert.deepEqual(ports, { smtp: gate.listen[0]?.port, admin: gate.admin.listen?.port })
    assert.deepEqual(of('Service').spec.ports, [{ name: 'smtp', port: 25, targetPort: 'smtp' }])
    assert.equal(of('Service').spec.externalTrafficPolicy, 'Local')
    assert.deepEqual(container.readinessProbe.httpGet, { path: '/readyz', port: 'admin' })
    assert.deepEqual(container.livenessProbe.httpGet, { path: '/livez', port: 'admin' })
    const dockerfile = await textOf('deploy/docker/Dockerfile')
    assert.ok(dockerfile.includes('CMD ["run", "-c", "/etc/sallyport/sallyport.yaml"]'))
    assert.ok(dockerfile.includes(`USER ${pods.securityContext.runAsUser}:${pods.securityContext.runAsGroup}`))
    const mounts = container.volumeMounts.map((mount: { mountPath: string }) => mount.mountPath)
    assert.deepEqual(mounts, ['/etc/sallyport', '/var/lib/sallyport'])
  })

  it('gives a gate the time that it may need to stop, and never throttles it', () => {
    const { delay, wait } = gate.drain
    assert.ok(pods.terminationGracePeriodSeconds * 1000 > delay + wait + gate.timeouts.backendFinal)
    const { periodSeconds, timeoutSeconds, failureThreshold } = container.readinessProbe
    assert.ok(delay > 1000 * (periodSeconds + timeoutSeconds) * failureThreshold)
    assert.equal(container.resources.limits.cpu, undefined)
    assert.equal(of('PodDisruptionBudget').spec.maxUnavailable, 1)
    assert.ok(longestSilence(gate) >= 600_000)
  })

  it('has annotations for a balancer of AWS that asks /readyz where the gate has it', async () => {
    const [, shown = ''] = /```yaml\n([^`]*)```/.exec(await textOf(`${folder}/kubernetes/README.md`)) ?? []
    const { annotations } = parse(shown.replace(/^ {2}/gm, '')).metadata
    const prefix = 'service.beta.kubernetes.io/aws-load-balancer-'
    for (const key of Object.keys(annotations)) assert.ok(key.startsWith(prefix), key)
    assert.equal(annotations[`${prefix}healthcheck-port`], `${gate.admin.listen?.port}`)
    assert.equal(annotations[`${prefix}healthcheck-path`], '/readyz')
    assert.equal(annotations[`${prefix}proxy-protocol`], '*')
    assert.match(annotations[`${prefix}target-group-attributes`], /preserve_client_ip\.enabled=false/)
  })
})
