import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { parseConfig } from '@sallyport/proxy/config/parse.js'

const text = readFileSync(new URL('../../../../docs/store.md', import.meta.url), 'utf8')

test('each configuration in docs/store.md is one, without a doubt, and names another place', () => {
  const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = '']) => block)
  const places = blocks.map(block => {
    const parsed = parseConfig(block.replaceAll(/\$\{file:[^}]*\}/g, 'x'), 'store.md', {})
    if ('problems' in parsed) return assert.fail(parsed.problems.join('\n'))
    assert.deepEqual(parsed.warnings, [], block)
    const { store } = parsed.config
    return ['url', 'sentinels', 'cluster'].filter(key => key in store).join()
  })
  assert.deepEqual(places, ['url', 'url', 'sentinels', 'cluster'])
})
