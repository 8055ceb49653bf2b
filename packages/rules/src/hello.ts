import { type Address, parseAddress } from './address.ts'

/**
 * What an argument of HELO says of who is speaking.
 *  - `name`: a name; `literal`: the client's own address in brackets: as it should be (RFC 5321 4.1.3);
 *  - `own`: that it is us: our name, our address, or a domain whose mail comes here;
 *  - `address`: an address without the brackets; `foreign`: an address in brackets that is not the client's.
 */
export type HelloClaim = 'name' | 'literal' | 'own' | 'address' | 'foreign'

/** What is ours. Names in lower case. */
interface Ourselves {
  readonly hostname: string
  readonly domains: ReadonlySet<string> | null
  /** The address at which the client reached us; null: not known. */
  readonly address: Address | null
}

/** Who speaks from our own address may be one of us, and may say so. */
export function readHello(argument: string, client: Address, us: Ourselves): HelloClaim {
  const name = argument.toLowerCase().replace(/\.$/, '')
  const isUs = client.text === us.address?.text
  const literal = /^\[(?:ipv6:)?(.*)\]$/.exec(name)?.[1]
  const address = parseAddress(literal ?? name)
  if (address !== null) {
    if (!isUs && address.text === us.address?.text) return 'own'
    if (literal === undefined) return 'address'
    return address.text === client.text ? 'literal' : 'foreign'
  }
  if (literal !== undefined) return 'foreign'
  const isOurs = name === us.hostname.toLowerCase() || us.domains?.has(name) === true
  return isOurs && !isUs ? 'own' : 'name'
}
