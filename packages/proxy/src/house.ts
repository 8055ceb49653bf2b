import { type Address, contains, Plans, type Policy, usualSuspectFrom } from '@sallyport/rules'
import type { Backends } from './backends/backends.ts'
import type { Config } from './config/config.ts'
import { configVersion } from './decisions/config-version.ts'
import { guarded, type Silenced } from './own-checks/guard.ts'
import type { House, Offer } from './session/house.ts'
import { TrapRecipients } from './session/trap-recipients.ts'
import type { Weights } from './store/index.ts'

/** The pause before the greeting, ms: that of the first network that holds the client, or the general one. */
export function greetWaitOf({ greet }: Config, address: Address): number {
  return greet.networks.find(({ network }) => contains(network, address))?.wait ?? greet.wait
}

/** How mail counts in the store: from so many points a client is suspect to the check that says so. */
export const weightsOf = ({ policy, reputation: { fading } }: Config): Weights => {
  const suspectFrom = policy.checks?.['reputation']?.options?.['threshold'] ?? usualSuspectFrom
  return { fading, suspectFrom }
}

/** The policy without what cannot be tested: where no list is named, nobody is on one. */
export function policyOf({ policy: written, dnsbl }: Config, silenced: Silenced = () => {}): Policy {
  const policy = guarded(written, silenced)
  return dnsbl.zones.length > 0 ? policy : { ...policy, checks: { ...policy.checks, dnsbl: { enabled: false } } }
}

/** What sessions under a configuration share. */
export function houseOf(
  config: Config,
  backends: Pick<Backends, 'routes' | 'useXclient'>,
  offer: Offer,
  load: House['load'],
  silenced?: Silenced,
): House {
  return {
    version: configVersion(config),
    hostname: config.hostname,
    plans: new Plans(policyOf(config, silenced)),
    offer,
    waits: config.timeouts,
    limits: config.limits,
    recipientDomains: config.recipientDomains.length > 0 ? new Set(config.recipientDomains) : null,
    traps: new TrapRecipients(config.trapRecipients),
    routes: backends.routes,
    connect: config.backend.connect,
    auth: config.backend.auth,
    verbs: config.extensions.verbs === 'any' ? null : new Set(config.extensions.verbs),
    withhold: new Set(config.extensions.withhold),
    xclient: backends.useXclient,
    trap: config.trap,
    load,
    bareNewline: config.message.bareNewline,
  }
}
