import * as z from 'zod'
import { backendTlsModes } from './config.ts'
import * as leaves from './leaves.ts'

/** STARTTLS with the servers of a backend. */
export const backendTlsKeys = {
  tls: z
    .enum(backendTlsModes)
    .prefault('auto')
    .describe(
      'STARTTLS with the backend: off; opportunistic: if it offers it, whoever answers; required: no mail without, and its certificate is checked; auto: off on this host, opportunistic else.',
    ),
  tls_ca: leaves.path
    .optional()
    .describe(
      'For required: the PEM file of the CAs that its certificate may come from. Default: those that Node trusts.',
    ),
  tls_name: leaves.domain
    .optional()
    .describe('For required: the name in its certificate. Default: the host of its address.'),
}
