// The numbers of twenty years of mail gates, as the presets have them: a preset that drifts from what it is named for is another one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { delayOf, makePlan, type Preset, presetSettings } from '@sallyport/rules'

const planned = (preset: Preset, name: string) => makePlan({ preset }).checks.find(check => check.name === name)
const stranger = { isKnown: false, isClean: true, score: 0, errors: 0, unknown: 0, waited: 0 }
const minute = 60

test('strict greylists with the times of spamd, and the usual times are milder', () => {
  const times = { delay: 25 * minute, window: 4 * 60 * minute, keep: 36 * 24 * 60 * minute }
  const { score: _, ...strict } = planned('strict', 'greylist')?.options ?? {}
  assert.deepEqual([planned('strict', 'greylist')?.action, strict], ['defer', times])
  assert.equal(planned('standard', 'greylist')?.options['delay'], 5 * minute)
})

test('fourmilab waits 10 s before the greeting, and 25 s before the reply to EHLO', () => {
  const { delays, greetWait } = presetSettings.fourmilab
  assert.equal(greetWait, 10_000)
  assert.equal(delayOf(delays, 'hello', stranger), 25_000)
  assert.equal(delayOf(delays, 'hello', { ...stranger, waited: greetWait }), 25_000)
})

test('standard and strict wait 1 s behind unknown recipients, drop behind the fifth, and double the wait behind errors', () => {
  for (const preset of ['standard', 'strict'] as const) {
    const { delays } = presetSettings[preset]
    assert.equal(delayOf(delays, 'rcpt', { ...stranger, isKnown: true, unknown: 3 }), 1_000)
    const harvest = planned(preset, 'harvest')
    assert.deepEqual([harvest?.action, harvest?.options['unknown']], ['drop', 5])
  }
  const behind = (errors: number) => delayOf(presetSettings.standard.delays, null, { ...stranger, errors })
  assert.deepEqual([1, 2, 3].map(behind), [1_000, 2_000, 4_000])
})

test('postscreen refuses at once what fails its tests, behind a pause of 6 s', () => {
  assert.equal(presetSettings.postscreen.greetWait, 6_000)
  for (const name of ['pregreet', 'dnsbl', 'pipelining', 'bare-newline'])
    assert.equal(planned('postscreen', name)?.action, 'refuse', name)
  assert.equal(planned('postscreen', 'non-smtp-command')?.action, 'drop')
})
