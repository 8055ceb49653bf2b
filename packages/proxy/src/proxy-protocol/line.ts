import { parseAddress } from '@sallyport/rules'
import type { ProxyHeader } from './header.ts'

const unknown = 'PROXY UNKNOWN'
const forms = [
  { start: 'PROXY TCP4 ', tail: tailOf('[0-9.]{1,15}') },
  { start: 'PROXY TCP6 ', tail: tailOf('[0-9A-Fa-f:.]{1,45}') },
  // What follows UNKNOWN is to be ignored, whatever it is.
  { start: unknown, tail: /^(?:[ \r]|$)/ },
] as const

/** Whether a version 1 line can begin so. `line` has no line feed. True of a line means true of all its beginnings. */
export function fitsLine(line: string): boolean {
  return forms.some(({ start, tail }) =>
    line.length <= start.length
      ? start.startsWith(line)
      : line.startsWith(start) && tail.test(line.slice(start.length)),
  )
}

/** Reads a whole version 1 line that fits, without its line feed; a text says what is wrong with it. */
export function parseLine(line: string): ProxyHeader | string {
  if (line.startsWith(unknown)) return { kind: 'local', version: 1 }
  const fields = line.replace(/\r$/, '').split(' ')
  if (fields.length !== 6) return 'fields are missing'
  const [, protocol, clientText = '', serverText = '', clientPortText = '', serverPortText = ''] = fields
  if (protocol === 'TCP6' && !(clientText.includes(':') && serverText.includes(':'))) return 'not an IPv6 address'
  const client = parseAddress(clientText)
  const server = parseAddress(serverText)
  if (client === null || server === null) return 'not an address'
  const clientPort = parsePort(clientPortText)
  const serverPort = parsePort(serverPortText)
  if (clientPort === null || serverPort === null) return 'not a port'
  return { kind: 'proxied', version: 1, client, clientPort, server, serverPort }
}

function parsePort(text: string): number | null {
  const port = /^(?:0|[1-9][0-9]{0,4})$/.test(text) ? Number(text) : 65536
  return port <= 65535 ? port : null
}

/** Two addresses and two ports with blanks between them and a CR behind, or as much of it from the start as there is. */
function tailOf(address: string): RegExp {
  const parts = [address, ' ', address, ' ', '[0-9]{1,5}', ' ', '[0-9]{1,5}', '\\r']
  return new RegExp(`^${parts.reduceRight((following, part) => `(?:${part}${following})?`, '')}$`)
}
