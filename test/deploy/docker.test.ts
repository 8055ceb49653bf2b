import assert from 'node:assert/strict'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { before, describe, it } from 'node:test'
import { run } from '../support/process.ts'
import { pathOf, textOf } from './files.ts'

interface Instruction {
  readonly word: string
  readonly rest: string
}

/** The instructions of a Dockerfile, continued lines joined, comments left out. */
async function instructions(name: string): Promise<Instruction[]> {
  const text = (await textOf(name)).replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, '')
  return text.split('\n').flatMap(line => {
    const [, word = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    return word === '' ? [] : [{ word, rest }]
  })
}

/** What the COPY instructions take from the build context. */
function sources(all: readonly Instruction[]): string[] {
  return all
    .filter(({ word, rest }) => word === 'COPY' && !rest.startsWith('--from='))
    .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1))
}

/** Whether .dockerignore keeps a path out: the last pattern that names it, or a folder above it, decides. */
function ignored(path: string, patterns: readonly string[]): boolean {
  const folders = path.split('/').map((_, index, parts) => parts.slice(0, index + 1).join('/'))
  let out = false
  for (const pattern of patterns) {
    const body = pattern.replace(/^!/, '').replace(/[.+]/g, '\\$&')
    const regex = new RegExp(`^${body.replaceAll('**/', '(.+/)?').replaceAll('*', '[^/]*')}$`)
    if (folders.some(folder => regex.test(folder))) out = !pattern.startsWith('!')
  }
  return out
}

for (const name of ['deploy/docker/Dockerfile', 'deploy/docker/postfix/Dockerfile']) {
  describe(name, () => {
    it('copies only what is there, and what .dockerignore lets through', async () => {
      const patterns = (await textOf('.dockerignore')).split('\n').filter(line => line !== '' && !line.startsWith('#'))
      const copied = sources(await instructions(name))
      assert.ok(copied.length > 0)
      for (const source of copied) {
        assert.ok(await stat(pathOf(source)), source)
        assert.equal(ignored(source, patterns), false, `${source} is kept out by .dockerignore`)
      }
      for (const kept of ['.git', 'node_modules', 'var/store', '.env', 'packages/proxy/dist/cli.js', 'test/dist']) {
        assert.equal(ignored(kept, patterns), true, `${kept} would get into the build`)
      }
    })
  })
}

describe('the image of the gate', () => {
  let all: Instruction[] = []
  let manifest: { workspaces: string[]; scripts: Record<string, string> }
  const runs = () => all.filter(({ word }) => word === 'RUN').map(({ rest }) => rest)
  const last = (word: string) => all.findLast(instruction => instruction.word === word)?.rest
  before(async () => {
    all = await instructions('deploy/docker/Dockerfile')
    manifest = JSON.parse(await textOf('package.json'))
  })

  it('builds with the command of package.json, for a project that is there', async () => {
    const build = runs().find(run => run.startsWith('npx '))
    assert.equal(build, `npx ${manifest.scripts['build']} packages/proxy`)
    assert.ok(await stat(pathOf('packages/proxy/tsconfig.json')))
  })

  it('copies the built files of every workspace', () => {
    const copied = all
      .filter(({ word, rest }) => word === 'COPY' && rest.startsWith('--from=build '))
      .map(({ rest }) => rest)
    const wanted = manifest.workspaces.map(name => `--from=build /opt/sallyport/${name}/dist ${name}/dist`)
    assert.deepEqual(copied, wanted)
  })

  it('installs, with each of its npm ci, from the files that it has copied by then', async () => {
    const installs = runs().filter(run => run.startsWith('npm ci'))
    assert.deepEqual(
      installs.map(run => run.includes('--omit=dev')),
      [false, true],
    )
    const context = await mkdtemp(join(tmpdir(), 'sallyport-docker-'))
    try {
      for (const source of [
        'package.json',
        'package-lock.json',
        ...manifest.workspaces.map(name => `${name}/package.json`),
      ]) {
        const copies = all.filter(({ word, rest }) => word === 'COPY' && rest.split(' ').includes(source))
        assert.equal(copies.length, 2, `each npm ci needs ${source}`)
        await mkdir(dirname(join(context, source)), { recursive: true })
        await cp(pathOf(source), join(context, source))
      }
      for (const install of installs) {
        const args = [...install.split(' ').slice(1), '--dry-run', '--offline', '--prefix', context]
        const { code, stderr } = await run('npm', args, 60_000)
        assert.equal(code, 0, stderr)
      }
    } finally {
      await rm(context, { recursive: true, force: true })
    }
  })

  it('runs node as PID 1, as a user without rights, on the program that the build makes', async () => {
    const entry: unknown = JSON.parse(last('ENTRYPOINT') ?? '')
    assert.deepEqual(entry, ['node', '--enable-source-maps', '/opt/sallyport/packages/proxy/dist/cli.js'])
    const proxy: { bin: unknown } = JSON.parse(await textOf('packages/proxy/package.json'))
    assert.deepEqual(proxy.bin, { sallyport: './dist/cli.js' })
    assert.deepEqual(JSON.parse(last('CMD') ?? ''), ['run', '-c', '/etc/sallyport/sallyport.yaml'])
    assert.equal(last('USER'), '65532:65532')
    assert.equal(last('FROM'), 'node:24-slim')
  })

  it('keeps what it remembers in a volume that is its own', () => {
    assert.equal(last('WORKDIR'), '/var/lib/sallyport')
    assert.equal(last('VOLUME'), '/var/lib/sallyport')
    assert.ok(runs().includes('install -d -o 65532 -g 65532 -m 700 /var/lib/sallyport'))
  })

  it('is healthy when /readyz says so, and not when it does not, or nobody answers', async () => {
    const check = /CMD (\[.*\])$/.exec(last('HEALTHCHECK') ?? '')?.[1] ?? '[]'
    const [node, flag, script = ''] = JSON.parse(check) as string[]
    assert.deepEqual([node, flag], ['node', '-e'])
    assert.ok(script.includes("'http://127.0.0.1:9525/readyz'"))
    for (const [status, code] of [
      [200, 0],
      [503, 1],
      [null, 1],
    ] as const) {
      const admin = createServer((request, response) => {
        response.statusCode = request.url === '/readyz' && status !== null ? status : 404
        response.end()
      })
      await once(admin.listen(0, '127.0.0.1'), 'listening')
      const { port } = admin.address() as AddressInfo
      if (status === null) await once(admin.close(), 'close')
      const outcome = await run(process.execPath, ['-e', script.replace(':9525', `:${port}`)])
      if (status !== null) await once(admin.close(), 'close')
      assert.equal(outcome.code, code, `/readyz gives ${status}`)
    }
  })
})
