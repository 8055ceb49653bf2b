import type { Arrival } from '@sallyport/proxy/session/arrival.js'
import { addressOf } from './address.ts'

/** A client of this address that comes by itself, in the clear, and has no pause to wait through; but for what is said of it. */
export const arrivalOf = (client: string, said: Partial<Arrival> = {}): Arrival => ({
  id: 'REF',
  client: addressOf(client),
  clientPort: 4567,
  proxy: null,
  server: null,
  access: 'none',
  dice: 0.5,
  greetWait: 0,
  disarmed: new Set(),
  health: false,
  starttls: 'off',
  tls: null,
  ...said,
})
