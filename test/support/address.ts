import assert from 'node:assert/strict'
import { type Address, parseAddress } from '@sallyport/rules'

/** The address of a text that is one. */
export function addressOf(text: string): Address {
  const address = parseAddress(text)
  assert.ok(address !== null, `no address: ${text}`)
  return address
}
