import * as z from 'zod'
import { backendTlsKeys } from './backend-tls-keys.ts'
import { type Backend, identities, logins, moments } from './config.ts'
import * as leaves from './leaves.ts'
import { section } from './section.ts'

const { duration } = leaves

export const backendKeys = section({
  address: leaves.backendEndpoint
    .prefault('embedded')
    .describe('The mail server behind the gate; embedded: the one built in.'),
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
    .prefault('5m')
    .describe('How often the backend is asked what it offers in EHLO.'),
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

type WrittenBackend = z.output<typeof backendKeys>
const toBackend = ({ iKnowTheBackendSeesTheGate, ...others }: WrittenBackend): Backend => {
  return { ...others, trustsGate: iKnowTheBackendSeesTheGate }
}

/** All of it, or the address alone. */
export const backend = z
  .codec(z.union([backendKeys, leaves.backendEndpoint]), z.custom<Backend>(), {
    decode: found => {
      if (found !== null && 'identity' in found) return toBackend(found)
      return { ...toBackend(backendKeys.parse({})), address: found }
    },
    encode: ({ trustsGate, ...others }) => ({ ...others, iKnowTheBackendSeesTheGate: trustsGate }),
  })
  .prefault({})
  .meta({
    title: 'address and port alone, embedded, or keys under it',
    examples: ['127.0.0.1:10025'],
    description: 'The mail server behind the gate. An address and port alone stand for backend.address.',
  })
