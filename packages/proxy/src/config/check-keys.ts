import {
  type Action,
  actions,
  type Check,
  type CheckName,
  type CheckSettings,
  checks,
  makePlan,
  type Policy,
} from '@sallyport/rules'
import * as z from 'zod'
import { ttl } from './leaves.ts'
import { formatDuration } from './scalars.ts'
import { snake } from './section.ts'

const same = 'same'
const agains = [...actions, same] as const

/**
 * The keys of one check. Everything follows from its definition: a new check needs no line here. What the operator leaves
 * out stays out, since an action that was chosen is another thing than an action that is the default (see makePlan).
 */
function keysOf(check: Check, forAll: boolean) {
  const switchedOff = {
    enabled: z.boolean().optional().meta({ default: true, description: 'false: the check is not run at all.' }),
  }
  const common = z.strictObject({
    ...(forAll ? switchedOff : {}),
    action: z
      .enum(actions)
      .optional()
      .meta({ default: check.action, description: 'What follows when a client fails.' }),
    again: z
      .enum(agains)
      .optional()
      .meta({
        default: check.again ?? same,
        description: `What follows when it failed before and that is still remembered. Where action is set, the default is ${same}.`,
      }),
    points: z
      .int()
      .min(0)
      .max(1000)
      .optional()
      .meta({ default: check.points, description: 'What a failure adds to the score under the action score.' }),
    ttl: ttl('0s', '365d', '30d')
      .optional()
      .meta({
        default: formatDuration(check.ttl * 1000),
        description: 'For how long a pass is remembered; 0s: not at all.',
      }),
    breaker: z
      .boolean()
      .optional()
      .meta({ default: check.breaker ?? true, description: 'Whether its breaker may disarm it.' }),
  })
  const options = Object.entries(check.options).map(([name, spec]) => {
    const leaf = z.int().min(spec.min).max(spec.max).optional()
    return [snake(name), leaf.meta({ default: spec.value, description: spec.about })] as const
  })
  const written: z.ZodType<Written, Written> = common.extend(Object.fromEntries(options)) as z.ZodType<Written, Written>
  return z
    .codec(written, z.custom<CheckSettings>(), {
      decode: found => settingsOf(check, found),
      encode: settings => writtenOf(settings),
    })
    .optional()
    .meta({ description: check.about })
}

/** As the codecs of the single keys leave it: the ttl in seconds. */
type Written = Readonly<Record<string, string | number | boolean>>

function settingsOf(check: Check, found: Written): CheckSettings {
  const { again, ...others } = found
  const options = Object.keys(check.options).filter(name => found[snake(name)] !== undefined)
  for (const name of options) delete (others as Record<string, unknown>)[snake(name)]
  return {
    ...(others as Omit<CheckSettings, 'again' | 'options'>),
    ...(again === undefined ? {} : { again: again === same ? null : (again as Action) }),
    ...(options.length === 0
      ? {}
      : { options: Object.fromEntries(options.map(name => [name, Number(found[snake(name)])])) }),
  }
}

function writtenOf(settings: CheckSettings): Written {
  const { again, options, ...others } = settings
  return {
    ...others,
    ...(again === undefined ? {} : { again: again ?? same }),
    ...Object.fromEntries(Object.entries(options ?? {}).map(([name, value]) => [snake(name), value])),
  }
}

type ByName = NonNullable<Policy['checks']>

export type OwnChecks = NonNullable<Policy['own']>

const keysOfAll = (forAll: boolean, own: OwnChecks) =>
  z.strictObject(Object.fromEntries([...checks, ...own].map(check => [check.name, keysOf(check, forAll)])))

export const checkKeys = (own: OwnChecks) => keysOfAll(true, own)

/** In an exception: a check that is not run cannot be run for some. */
export const exceptionCheckKeys = (own: OwnChecks) => keysOfAll(false, own)

/** The settings of the checks with nothing left out: what the operator set, and the defaults as makePlan takes them. */
export function effectiveChecks(policy: Policy): ByName {
  const plan = makePlan(policy)
  const settings: [CheckName, CheckSettings][] = [...checks, ...(policy.own ?? [])].map(({ name }) => {
    const planned = plan.checks.find(candidate => candidate.name === name)
    if (planned === undefined) return [name, { enabled: false }]
    const { action, again, points, ttl: seconds, breaker, options } = planned
    return [name, { enabled: true, action, again, points, ttl: seconds, breaker, options }]
  })
  return Object.fromEntries(settings)
}
