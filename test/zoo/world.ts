// Where the animals live: gates with nothing set but the preset, a Postfix behind them, and a DNS that knows everybody's names.

import { certificatesKey, makeAuthority } from '../support/authority.ts'
import { type DnsQuery, type DnsReply, DnsServer } from '../support/dns.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { type Owner, undoAfter } from '../support/owner.ts'
import { type Postfix, startPostfix } from '../support/postfix.ts'
import { type ZooPreset, zooPresets } from './animal.ts'

/** The name of the gates. */
const ourName = 'mx.example.test'

/** What the backend refuses for its content, with 550 5.7.1. */
export const unwanted = 'Replica watches'

/** Domains of recipients that tell by which gate mail has come. */
const others = zooPresets.map(preset => `${preset}.test`)

export interface World {
  readonly gates: Readonly<Record<ZooPreset, RunningGate>>
  readonly postfix: Postfix
  readonly names: Names
}

/** What the DNS says of names and addresses. Everything else is not there. */
export class Names {
  readonly #records = new Map<string, readonly string[]>()

  /** Adds a record to those of a name. */
  add(type: DnsQuery['type'], name: string, data: string): void {
    const key = `${type} ${name}`
    const before = this.#records.get(key) ?? []
    if (!before.includes(data)) this.#records.set(key, [...before, data])
  }

  /** An address is called so, and the name has the address. */
  call(address: string, name: string): void {
    this.add('PTR', `${address.split('.').reverse().join('.')}.in-addr.arpa`, name)
    this.add('A', name, address)
  }

  /** A domain that sends from these networks alone and takes mail. */
  domain(name: string, networks: readonly string[]): void {
    this.add('MX', name, `10 mx.${name}`)
    this.add('A', `mx.${name}`, '192.0.2.25')
    this.add('TXT', name, ['v=spf1', ...networks.map(network => `ip4:${network}`), '-all'].join(' '))
  }

  answer({ type, name }: DnsQuery): DnsReply {
    const data = this.#records.get(`${type} ${name.toLowerCase()}`)
    return data === undefined ? { kind: 'nxdomain' } : { kind: 'records', ttl: 300, data }
  }
}

/** `settings`: further lines of the gates' configuration. */
export async function startWorld(owner: Owner, settings = ''): Promise<World> {
  const names = new Names()
  const dns = await DnsServer.start(query => names.answer(query))
  undoAfter(owner, () => dns.stop())
  const postfix = await startPostfix(owner, {
    recipients: [
      ...['user', 'other', 'postmaster'].map(name => `${name}@example.test`),
      ...others.flatMap(name => [`user@${name}`, `other@${name}`]),
    ],
    main: {
      virtual_mailbox_domains: ['example.test', ...others].join(', '),
      header_checks: `regexp:{ { /^Subject: ${unwanted}/ REJECT 5.7.1 Not this } }`,
      // It puts up with what the gate is to stop: nothing else may stop an animal.
      smtpd_forbid_bare_newline: 'no',
      smtpd_error_sleep_time: '0',
      smtpd_hard_error_limit: '1000',
    },
  })
  const pair = await (await makeAuthority(owner)).issue([ourName])
  const start = (preset: ZooPreset) =>
    startGate(
      owner,
      [
        `preset: ${preset}`,
        `hostname: ${ourName}`,
        `recipient_domains: [${['example.test', ...others].join(', ')}]`,
        `backend: 127.0.0.1:${postfix.ports.proxy}`,
        'trusted_proxies: [127.0.0.1]',
        certificatesKey(pair),
        // The pause is the preset's.
        'greet: { networks: [] }',
        `dnsbl: { resolvers: ['${dns.address}'] }`,
        settings,
      ].join('\n'),
    )
  const [gentle, standard, strict] = await Promise.all(zooPresets.map(start))
  if (gentle === undefined || standard === undefined || strict === undefined) throw new Error('a gate is missing')
  return { gates: { gentle, standard, strict }, postfix, names }
}
