import assert from 'node:assert/strict'
import type { Config } from '@sallyport/proxy/config/config.js'
import { parseConfig } from '@sallyport/proxy/config/parse.js'

/** The configuration of a file that is good. */
export function configOf(text: string): Config {
  const parsed = parseConfig(text, 'test.yaml', {})
  assert.ok('config' in parsed, 'problems' in parsed ? parsed.problems.join('\n') : '')
  return parsed.config
}
