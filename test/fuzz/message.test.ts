import { test } from 'node:test'
import fc from 'fast-check'
import { checkMessage, texts } from '../support/message-model.ts'
import { fuzzRuns, isTheSameMessage } from '../support/properties.ts'

test('every text of CR, LF, dot, A and NUL of seven octets, and every cut', { timeout: 2_000_000 }, () => {
  for (const text of texts(['\r', '\n', '.', 'A', '\0'], 7)) {
    for (const whole of [text, `A${text}\r\n.\r\n`])
      for (let cut = 0; cut < whole.length; cut++) checkMessage(whole, cut === 0 ? [] : [cut])
  }
})

test('any octets and any cuts', { timeout: 2_000_000 }, () => fc.assert(isTheSameMessage, fuzzRuns()))
