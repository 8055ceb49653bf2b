import * as z from 'zod'
import { backendTlsKeys } from './backend-tls-keys.ts'
import {
  type Backend,
  type BackendGroup,
  type BackendServer,
  type Endpoint,
  identities,
  logins,
  moments,
  pickings,
} from './config.ts'
import * as leaves from './leaves.ts'
import { section } from './section.ts'

const { count, duration } = leaves

/** How often servers are asked, ms: one that has others beside it, so that they are used in its place; and one that has not. */
const probePresets = { several: 10_000, alone: 300_000 } as const

const serverKeys = section({
  address: leaves.serverEndpoint.describe('Where it listens.'),
  weight: count(1, 100).prefault(1).describe('Its share of the sessions, where backend.pick is weight.'),
})

/** An address alone, or with a weight. */
const server = z
  .codec(z.union([serverKeys, leaves.serverEndpoint]), z.custom<BackendServer>(), {
    decode: found => ('address' in found ? found : { address: found, weight: 1 }),
    encode: found => found,
  })
  .meta({ title: 'address or name, and port, or keys under it: address, weight', examples: ['10.0.0.1:25'] })

const shared = {
  servers: z
    .array(server)
    .min(1)
    .max(64)
    .optional()
    .describe('Several servers that stand in for each other, in place of address.'),
  pick: z
    .enum(pickings)
    .prefault('order')
    .describe(
      'Which of several servers a session gets: the first that can be used, or each as often as its weight says.',
    ),
  connections: count(1, 1_000_000)
    .prefault(1_000)
    .describe('The most connections to one server at a time; above that sessions go to the next, or wait.'),
  queue: section({
    length: count(0, 100_000).prefault(100).describe('The most sessions that wait for a connection of a full backend.'),
    wait: duration('0s', '1m', '2s')
      .prefault('2s')
      .describe('How long one waits: this, or half of timeouts.backend_connect, which covers both, if that is less.'),
  })
    .prefault({})
    .describe('Sessions that wait while every server has its most connections; above that clients hear 451.'),
  identity: z
    .enum(identities)
    .prefault('proxy_v2')
    .describe(
      'How the backend learns the address of the client: PROXY protocol 2 or 1, XCLIENT, X-CONNECT (Sendmail built with _FFR_XCNCT), or not at all.',
    ),
  ...backendTlsKeys,
  i_know_the_backend_sees_the_gate: z
    .boolean()
    .prefault(false)
    .describe(
      'Needed for identity none without recipient_domains: the backend does not relay for the address of the gate.',
    ),
  probe_every: duration('1s', '1d', '5m')
    .optional()
    .describe(
      'How often a server is asked whether it is there and what it offers in EHLO; sooner after trouble. ' +
        'Default: 10s where there are several, 5m where there is one.',
    ),
}

export const backendKeys = section({
  address: leaves.backendEndpoint
    .prefault('embedded')
    .describe('The mail server behind the gate; embedded: the one built in.'),
  ...shared,
  connect: z
    .enum(moments)
    .prefault('rcpt')
    .describe(
      "When the backend is opened: at the first RCPT that the checks accept, at MAIL, or, for clients that are known, before the greeting, which is then the backend's own.",
    ),
  auth: z
    .enum(logins)
    .prefault('tls')
    .describe('When a client may log in at the backend: under TLS, always (passwords in the clear), or never.'),
  maildir: leaves.path.prefault('var/mail').describe('Where the embedded mail server delivers.'),
})

export const routeBackendKeys = section({
  address: leaves.serverEndpoint.optional().describe('The mail server of the route.'),
  ...shared,
})

type Written = z.output<typeof backendKeys>
type WrittenRoute = z.output<typeof routeBackendKeys>

interface Unsettled extends Omit<WrittenRoute, 'address' | 'probeEvery'> {
  readonly address: Endpoint | null
  readonly probeEvery?: number | undefined
}

function toGroup<Kind extends Unsettled>({
  address,
  servers: several,
  probeEvery,
  iKnowTheBackendSeesTheGate: trustsGate,
  ...others
}: Kind) {
  const servers = several ?? (address === null ? null : [{ address, weight: 1 }])
  const preset = (servers?.length ?? 1) > 1 ? probePresets.several : probePresets.alone
  return { ...others, servers, trustsGate, probeEvery: probeEvery ?? preset }
}

/** As little as says the same: an address where there is one server of no special weight. */
function fromGroup<Kind extends BackendGroup>({ trustsGate, servers, ...others }: Kind) {
  const [only, second] = servers ?? []
  const isAlone = only?.weight === 1 && second === undefined
  const where = isAlone ? { address: only.address } : servers === null ? { address: null } : { servers }
  return { ...others, ...where, iKnowTheBackendSeesTheGate: trustsGate }
}

/** All of it, or the address alone. */
export const backend = z
  .codec(z.union([backendKeys, leaves.backendEndpoint]), z.custom<Backend>(), {
    decode: found => {
      const written = found !== null && 'identity' in found ? found : { ...backendKeys.parse({}), address: found }
      return toGroup(written)
    },
    // An address has a default, and so must be written; render.ts takes it out again beside servers.
    encode: found => ({ address: null, ...fromGroup(found) }) as Written,
  })
  .prefault({})
  .meta({
    title: 'address and port alone, embedded, or keys under it',
    examples: ['127.0.0.1:10025'],
    description: 'The mail server behind the gate. An address and port alone stand for backend.address.',
  })

const routeBackend = z
  .codec(z.union([routeBackendKeys, leaves.serverEndpoint]), z.custom<BackendGroup>(), {
    decode: found => {
      const written = 'identity' in found ? found : { ...routeBackendKeys.parse({}), address: found }
      return toGroup({ ...written, address: written.address ?? null })
    },
    encode: found => fromGroup(found) as WrittenRoute,
  })
  .meta({ title: 'address and port alone, or keys under it, as under backend', examples: ['10.0.1.1:25'] })

export const routes = z
  .array(
    section({
      domains: z
        .array(leaves.routeDomain)
        .min(1)
        .max(10_000)
        .describe('Domains of recipients; *.example.net: all below example.net.'),
      backend: routeBackend.describe(
        'Where mail for them goes: an address and port, or the keys of backend but for connect, auth and maildir.',
      ),
    }),
  )
  .max(100)
  .prefault([])
  .describe('Backends of their own for some domains of recipients; all others go to backend.')
