import { day, hour } from './duration.ts'

/**
 * What is remembered of a client's mail, under its address, its network or a name that was verified; or, in a lesson, what one session
 * adds to that. All four numbers fade: a value is half as much after a half-life.
 */
export interface Repute {
  /** Points against it; below 0: for it. */
  readonly score: number
  /** Messages that the backend took. */
  readonly accepted: number
  /** Messages that it refused for their content. */
  readonly content: number
  /** Recipients that it did not know. */
  readonly unknown: number
}

export const noRepute: Repute = { score: 0, accepted: 0, content: 0, unknown: 0 }

/** Half-lives, in seconds, 1 or more: of what speaks against a client, and of what speaks for it. */
export interface Fading {
  readonly bad: number
  readonly good: number
}

/** Who writes once a week is not forgotten between two letters. */
export const usualFading: Fading = { bad: day, good: 7 * day }

/**
 * How far apart good words are that count for one name, in seconds, at all gates together: once in 20 hours, so that who writes every
 * morning need not be late. The 10 points of trust take three of them, 40 hours at least, and who writes once a day has them on the
 * fifth day; who writes a thousand messages in an hour, from a thousand connections, has 4 points. It is the store that keeps them apart: what was
 * read before a session is old at its end.
 *
 * Not taken: points for each message, with which three sessions of four made a bot trusted; to count days, which a gate and its
 * clients do not have in common, and which end for all at once; a rate of its own for each name, a key more in the store and a
 * question more before each word.
 */
export const goodWordGap = 20 * hour

/**
 * The bounds of a score. The lower one is near, so that trust is lost after two refused messages however long it was earned
 * (20 points, less 8 for each); the upper one is 4 half-lives above where a client is suspect.
 */
export const scoreBounds = { least: -20, most: 80 } as const

/** The largest count; a client with more is no better known. */
export const mostCounted = 9999

/** What is below this is nothing, and is forgotten. */
const least = 0.5

const half = (value: number, seconds: number, halfLife: number): number => value * 0.5 ** (seconds / halfLife)

/** What is left of it after so many seconds. */
export function faded(repute: Repute, seconds: number, fading: Fading): Repute {
  if (seconds <= 0) return repute
  const { score, accepted, content, unknown } = repute
  return {
    score: half(score, seconds, score < 0 ? fading.good : fading.bad),
    accepted: half(accepted, seconds, fading.good),
    content: half(content, seconds, fading.bad),
    unknown: half(unknown, seconds, fading.bad),
  }
}

const within = (value: number, from: number, to: number): number => Math.max(from, Math.min(to, value))

/** What two amount to that were known at the same time. */
export function together(one: Repute, other: Repute): Repute {
  const count = (a: number, b: number) => within(a + b, 0, mostCounted)
  return {
    score: within(one.score + other.score, scoreBounds.least, scoreBounds.most),
    accepted: count(one.accepted, other.accepted),
    content: count(one.content, other.content),
    unknown: count(one.unknown, other.unknown),
  }
}

/** For how many whole seconds anything will be left of it; 0: it is nothing. */
export function lifeOf({ score, accepted, content, unknown }: Repute, fading: Fading): number {
  const life = (value: number, halfLife: number) => (value < least ? 0 : halfLife * Math.log2(value / least) + 1)
  return Math.ceil(
    Math.max(
      life(Math.abs(score), score < 0 ? fading.good : fading.bad),
      life(accepted, fading.good),
      life(content, fading.bad),
      life(unknown, fading.bad),
    ),
  )
}

/** Under which names a client is remembered, and what is known under each; null: nothing, or no such name. */
export interface Reputes {
  readonly client: Repute | null
  readonly network: Repute | null
  /** Of the names that were verified, the one that speaks most for the client. */
  readonly identity: Repute | null
}

/** What the memory says of a client, as the checks see it. */
export interface Standing {
  /** Points against it; 0: none. */
  readonly score: number
  /** Points for it; 0: none. */
  readonly trust: number
  /** Recipients that the backend did not know, and messages that it took, of late. */
  readonly unknown: number
  readonly accepted: number
}

/** Points of trust that take two good words (memory.ts), and these take two days. Who writes every fifth day has them in the end. */
const establishedFrom = 5

/** A client whose good name is some days old: what happens to it tells of others, such as a check or the backend that turns it away. */
export const isEstablished = ({ trust }: Standing): boolean => trust >= establishedFrom

/** A network answers for its worst: of its points this part counts against each client in it. */
export const networkShare = 4

/**
 * What the memory says of the client. Its own address counts most; its network counts against it in part, and not at all where the
 * client itself or its verified name is known for good, or one bad neighbour would condemn a large sender. A verified name stands for
 * addresses that are new, in both directions; for one that is itself known for bad it does not.
 */
export function standingOf({ client, network, identity }: Reputes): Standing {
  const own = client ?? noRepute
  const name = identity?.score ?? 0
  const isKnownGood = own.score < 0 || name < 0
  const neighbours = isKnownGood ? 0 : (network?.score ?? 0) / networkShare
  const againstName = own.score < 0 ? 0 : name
  const score = Math.max(0, own.score, neighbours, againstName)
  const trust = score > 0 ? 0 : Math.max(0, -own.score, -name)
  return { score, trust, unknown: own.unknown, accepted: own.accepted }
}
