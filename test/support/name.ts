import type { ReverseName } from '@sallyport/rules'

/** What the DNS said of a client's name, written as XCLIENT has it: the name, [UNAVAILABLE] or [TEMPUNAVAIL]. */
export function reverseNameOf(text: string): ReverseName {
  if (text === '[UNAVAILABLE]') return { kind: 'none' }
  return text === '[TEMPUNAVAIL]' ? { kind: 'failed' } : { kind: 'confirmed', name: text }
}
