// What an animal of the zoo is: what it does on the wire, and what each preset is to make of it.

/** The presets that every animal meets. */
export const zooPresets = ['gentle', 'standard', 'strict'] as const
export type ZooPreset = (typeof zooPresets)[number]

/**
 * One thing that a bot does.
 *  - `say`: writes octets, in one write or, with `every`, one by one with so many ms between.
 *  - `line`: waits for a line, a whole reply or not: the first of a greeting is one.
 *  - `hear`: waits for a whole reply, and goes on whatever it says.
 *  - `heed`: the same, and leaves when it is a refusal.
 *  - `wait`: so many ms.
 *  - `listen`: takes all replies until the server closes, for so many ms at most.
 *  - `tls`: begins TLS.
 */
export type Step =
  | { readonly does: 'say'; readonly octets: string; readonly every?: number }
  | { readonly does: 'line' | 'hear' | 'heed' | 'tls' }
  | { readonly does: 'wait' | 'listen'; readonly ms: number }

/** One connection. */
export interface Visit {
  /** The last octet of its address; its network is its own. */
  readonly host: number
  readonly steps: readonly Step[]
}

/** What is seen of an animal under one preset. */
export interface Sighting {
  /**
   * To what the first refusal was the answer, and its code, as `450 to RCPT`; for who hears none `left` or `passed`.
   * Of several visits that of the first that was refused.
   */
  readonly fate: string
  /** The checks that decided, by the log, in the order in which they first did; `limit` where it was a bound and no check. */
  readonly by: readonly string[]
  /** Seconds from the connection to that refusal, or, without one, to the end. */
  readonly after: number
  /** Connections that the backend saw. */
  readonly sessions: number
  /** Recipients that it was asked for and does not know. */
  readonly unknown: number
  /** Messages that it took. */
  readonly messages: number
}

/** The demand that a sighting must meet; what it says is in the document. */
export type Demand = (sighting: Sighting) => boolean

export interface Bot {
  readonly name: string
  /** Who does that, and what is remarkable about it; sentences. */
  readonly about: string
  /** How its network has named it. `generic`: as customers' lines are; `good`: as a mail server's. */
  readonly named: 'generic' | 'none' | 'good'
  /** Waves of visits: those of one are at the same time, and the next begins when all of them are over. */
  readonly waves: readonly (readonly Visit[])[]
  /** What must come of it under each preset, in words and as a test. */
  readonly demand: { readonly words: string; readonly met: Demand }
  readonly expected: Readonly<Record<ZooPreset, Sighting>>
}

/** Stopped before the backend heard of it. */
export const unseen: Bot['demand'] = {
  words: 'The backend never sees it.',
  met: ({ sessions }) => sessions === 0,
}

/** A sighting of one of whom the backend has seen nothing. */
export const stopped = (fate: string, by: readonly string[], after: number): Sighting => ({
  ...{ fate, by, after },
  ...{ sessions: 0, unknown: 0, messages: 0 },
})

export const say = (...lines: readonly string[]): Step => ({
  does: 'say',
  octets: lines.map(line => `${line}\r\n`).join(''),
})
export const hear: Step = { does: 'hear' }
export const heed: Step = { does: 'heed' }

/** One command after the other, each when the reply to that before it is there; leaves when refused. The greeting comes first. */
export const politely = (...lines: readonly string[]): readonly Step[] => [
  heed,
  ...lines.flatMap(line => [say(line), heed]),
]

interface Letter {
  readonly helo: string
  readonly from: string
  readonly to: string
}

/** The commands before a message. */
export const envelope = ({ helo, from, to }: Letter): readonly string[] => [
  `EHLO ${helo}`,
  `MAIL FROM:<${from}>`,
  `RCPT TO:<${to}>`,
  'DATA',
]

/** A message and its end. */
export const message = (subject: string, text: string): readonly string[] => [...[`Subject: ${subject}`, '', text], '.']

/** A whole letter as a mail server sends it. */
export const letter = (head: Letter, subject: string, text: string): readonly Step[] => [
  ...politely(...envelope(head)),
  say(...message(subject, text)),
  ...[heed, say('QUIT'), hear],
]
