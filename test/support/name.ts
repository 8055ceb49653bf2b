import type { ReverseName } from '@sallyport/rules'

/** What the DNS said of a client's name, written as XCLIENT has it: the name, [UNAVAILABLE] or [TEMPUNAVAIL]; behind `mismatch` one that is not confirmed. */
export function reverseNameOf(text: string): ReverseName {
  if (text.startsWith('mismatch ')) return { kind: 'mismatch', name: text.slice(9) }
  if (text === '[UNAVAILABLE]') return { kind: 'none' }
  return text === '[TEMPUNAVAIL]' ? { kind: 'failed' } : { kind: 'confirmed', name: text }
}
