// Sessions without sockets, under the text of a configuration.

import assert from 'node:assert/strict'
import type { Config } from '@sallyport/proxy/config/config.js'
import { type Decision, decisionOf } from '@sallyport/proxy/decisions/decision.js'
import { playScript } from '@sallyport/proxy/try/house.js'
import { parseScript } from '@sallyport/proxy/try/script.js'
import type { Played } from '@sallyport/proxy/try/stage.js'
import { configOf } from './config.ts'

/** A configuration of these settings; one with errors throws. */
export const configWith = (settings: string): Config =>
  configOf(`hostname: mx.example.test\nbackend: 127.0.0.1:10025\n${settings}`)

/** What becomes of a client under them. */
export function tried(settings: string, rows: readonly string[], id = 'REF'): Played {
  const script = parseScript(rows.join('\n'))
  assert.ok('script' in script, JSON.stringify(script))
  return playScript(configWith(settings), script.script, 'none', id)
}

/** The record of that, at the first second of 2026. */
export const recorded = (settings: string, rows: readonly string[], id = '000000000000'): Decision =>
  decisionOf(tried(settings, rows, id).session, 1_767_225_600_000)

/** As much of a mail as it takes to be judged, and the rest of it. */
export const envelope = ['C: EHLO a.example', 'C: MAIL FROM:<a@a.example>', 'C: RCPT TO:<b@example.com>']
export const message = ['C: DATA', 'C: Subject: x', 'C: ', 'C: ..', 'C: .', 'C: QUIT']
