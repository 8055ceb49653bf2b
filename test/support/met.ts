/** How often the sessions of the properties have met what: a property that never meets a thing says nothing of it. */
export const met = new Map<string, number>()

export const meet = (what: string): void => void met.set(what, (met.get(what) ?? 0) + 1)
