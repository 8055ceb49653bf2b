import * as z from 'zod'
import { effectiveChecks } from './check-keys.ts'
import type { Config, MemoryStore, RedisStore } from './config.ts'
import { writeDocument } from './document.ts'
import { configurationWith } from './schema.ts'

const hidden = '***'

/**
 * A configuration as YAML with every key that counts, defaults included; what may hold a secret is `***`: the password of
 * the store, the password in its URL, and the domain of a DNS list that has a public name of its own.
 */
export function renderConfig(config: Config): string {
  return writeDocument(writtenOf(config, true))
}

/** The same as plain values. */
export function writtenOf(config: Config, hides: boolean): Record<string, unknown> {
  const effective = { ...config, policy: { ...config.policy, checks: effectiveChecks(config.policy) } }
  const written = z.encode(configurationWith(config.policy.own ?? []), effective)
  return {
    ...written,
    backend: backendOf(written.backend ?? {}),
    store: storeOf(written.store ?? {}, config.store, hides),
    dnsbl: dnsblOf(written.dnsbl ?? {}, hides),
  }
}

function backendOf(written: string | Readonly<Record<string, unknown>>) {
  if (typeof written === 'string' || written['servers'] === undefined) return written
  const { address: _, ...others } = written
  return others
}

function storeOf(written: Readonly<Record<string, unknown>>, store: MemoryStore | RedisStore, hides: boolean) {
  const { kind, clients, file, ...redis } = written
  if (store.kind === 'memory') return { kind, file, clients }
  if (!hides) return { kind, ...redis, clients }
  const secrets: Record<string, string> = {}
  if ('url' in store) secrets['url'] = store.url.replace(/^([a-z]+:\/\/)[^/]*@/, `$1${hidden}@`)
  for (const key of ['password', 'sentinel_password']) if (redis[key] !== undefined) secrets[key] = hidden
  return { kind, ...redis, ...secrets, clients }
}

function dnsblOf(written: Readonly<Record<string, unknown>>, hides: boolean) {
  const zones: unknown = written['zones']
  if (!hides || !Array.isArray(zones)) return written
  return {
    ...written,
    zones: zones.map((zone: Record<string, unknown>) =>
      zone['zone'] === zone['name'] ? zone : { ...zone, zone: hidden },
    ),
  }
}
