import { type Action, makePlan, type Policy } from '@sallyport/rules'

const isDecoy = (action: Action | null | undefined) => action === 'decoy'

/** Whether a client can come to the decoy under this policy. */
export function usesDecoy(policy: Policy): boolean {
  const usual = makePlan(policy).checks.some(({ action, again }) => isDecoy(action) || isDecoy(again))
  const otherwise = (policy.exceptions ?? []).some(({ checks }) =>
    Object.values(checks).some(settings => isDecoy(settings?.action) || isDecoy(settings?.again)),
  )
  return usual || otherwise
}
