import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cli } from '../support/gate.ts'
import { run } from '../support/process.ts'
import { textOf } from './files.ts'

/** Has the gate check the first YAML that the README.md of a recipe shows, which must name the port 10025 of loopback. */
export async function readmeIsGood(recipe: string): Promise<void> {
  const readme = await textOf(`${recipe}/README.md`)
  const shown = /```yaml\n([^`]*)```/.exec(readme)?.[1]?.replace(/^ {3}/gm, '') ?? ''
  assert.match(shown, /127\.0\.0\.1:10025/)
  const directory = await mkdtemp(join(tmpdir(), 'sallyport-readme-'))
  try {
    await writeFile(join(directory, 'sallyport.yaml'), shown)
    const check = await run(process.execPath, [cli, 'check', '-c', join(directory, 'sallyport.yaml')])
    assert.equal(check.code, 0, check.stdout)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
