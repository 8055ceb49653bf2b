import type { Blocked, Recalled } from '@sallyport/proxy/session/port.js'
import type { Repute } from '@sallyport/rules'

/** `7/1/2/3`: score, accepted, content, unknown; what is left out at the end is 0. */
export function reputeOf(text: string | undefined): Repute | null {
  if (text === undefined) return null
  const [score = 0, accepted = 0, content = 0, unknown = 0] = text.split('/').map(Number)
  return { score, accepted, content, unknown }
}

const namesOf = (fields: ReadonlyMap<string, string>, key: string) =>
  (fields.get(key) ?? '').split(',').filter(name => name !== '')

/** `passed=a,b failed=c client=7/1 network=20 hellos=a.example,b.example`, as a transcript has it. */
export function recalledOf(fields: ReadonlyMap<string, string>): Recalled {
  return {
    ask: 'recall',
    passed: namesOf(fields, 'passed'),
    failed: namesOf(fields, 'failed'),
    client: reputeOf(fields.get('client')),
    network: reputeOf(fields.get('network')),
    hellos: fields.has('hellos') ? namesOf(fields, 'hellos') : null,
  }
}

/** `failed=c client=7/1 network=20 identity=-2`. */
export function blockedOf(fields: ReadonlyMap<string, string>): Blocked {
  return {
    ask: 'block',
    failed: namesOf(fields, 'failed'),
    client: reputeOf(fields.get('client')),
    network: reputeOf(fields.get('network')),
    identity: reputeOf(fields.get('identity')),
  }
}
