/**
 * The lines of a gate's settings that have it share the Redis on this port: an answer of it is waited for, however busy the machine
 * is, and one of the DNS lists is not, as nobody answers there.
 */
export const sharing = (
  port: number,
): string => `store: { kind: redis, url: 'redis://127.0.0.1:${port}', command_wait: 2s }
timeouts: { recall: 2s, answers: 100ms }
dnsbl: { resolvers: ['127.0.0.1:1'], wait: 100ms }`
