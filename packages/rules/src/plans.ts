import type { Address } from './address.ts'
import { contains } from './network.ts'
import { type Exception, makePlan, type Plan, type Policy } from './policy.ts'

/** Whom a plan is for; what is not known yet is null. */
export interface Party {
  readonly client: Address
  /** The client's name, confirmed by the DNS. */
  readonly name: string | null
  /** The argument of HELO. */
  readonly hello: string | null
  /** The domain of the recipient; null: it is about the session. */
  readonly recipient: string | null
}

/** Plans made so far that are kept; exceptions that hold together in more ways than that are rare, and made anew. */
const mostKept = 1_000

/** The plans of one configuration: the general one, and one for each set of exceptions that has come together. */
export class Plans {
  readonly general: Plan
  private readonly policy: Policy
  private readonly exceptions: readonly Exception[]
  private readonly made = new Map<string, Plan>()

  constructor(policy: Policy) {
    this.policy = policy
    this.exceptions = policy.exceptions ?? []
    this.general = makePlan(policy)
  }

  /** Some exception goes by the client's name, which therefore must be asked for. */
  get usesNames(): boolean {
    return this.exceptions.some(({ names }) => names.length > 0)
  }

  /** Some exception goes by the domains of recipients. */
  get usesRecipients(): boolean {
    return this.exceptions.some(({ recipients }) => recipients.length > 0)
  }

  /** All of them have the same checks in the same order. */
  for(party: Party): Plan {
    if (this.exceptions.length === 0) return this.general
    const holding = this.exceptions.filter(exception => holds(exception, party))
    if (holding.length === 0) return this.general
    const key = holding.map(exception => this.exceptions.indexOf(exception)).join(' ')
    let plan = this.made.get(key)
    if (plan === undefined) {
      plan = makePlan(this.policy, holding)
      if (this.made.size < mostKept) this.made.set(key, plan)
    }
    return plan
  }
}

function holds({ networks, names, hello, recipients }: Exception, party: Party): boolean {
  return (
    (networks.length === 0 || networks.some(network => contains(network, party.client))) &&
    (names.length === 0 || isAmong(names, party.name)) &&
    (hello.length === 0 || isAmong(hello, party.hello)) &&
    (recipients.length === 0 || isAmong(recipients, party.recipient))
  )
}

/** `*.example.net` stands for every name below example.net, and not for that. */
function isAmong(patterns: readonly string[], name: string | null): boolean {
  if (name === null) return false
  const lower = name.toLowerCase()
  return patterns.some(pattern =>
    pattern.startsWith('*.')
      ? lower.length > pattern.length - 1 && lower.endsWith(pattern.slice(1))
      : lower === pattern,
  )
}
