import { type Instant, identitiesOf, never, type SpfFinding, senderDomainOf } from '@sallyport/rules'
import type { Arrival } from '../session/arrival.ts'
import { greyTimes } from '../session/greylisting.ts'
import type { House } from '../session/house.ts'
import type { Ask, Port } from '../session/port.ts'
import { Session } from '../session/session.ts'
import { Actor } from './actor.ts'
import { ScriptedBackend } from './backend.ts'
import type { Deed } from './deed.ts'
import { Scene, type Spoken } from './scene.ts'
import type { World } from './world.ts'

/** Something that comes later, in virtual time. */
interface Event {
  readonly at: number
  /** It goes with the connection to the backend. */
  readonly ofBackend: boolean
  readonly happen: () => void
}

/** Inputs that a play may have; no session of a script comes near. */
const mostTurns = 1_000_000

export interface Played {
  readonly session: Session
  readonly spoken: readonly Spoken[]
  /** What the client was not there to say any more. */
  readonly unsaid: readonly Deed[]
}

/**
 * Plays a client's deeds against a session, in virtual time: whatever it waits for has come at once. The client's words, the
 * answers of the world and the deadlines of the session are taken in their order; an answer comes at the instant of its question,
 * as an input of its own.
 */
export function playOut(house: House, arrival: Arrival, world: World, deeds: readonly Deed[], traps: number): Played {
  return new Stage(house, arrival, world, deeds, traps).play()
}

class Stage implements Port {
  readonly isFull = false
  private now: Instant = 0
  private events: Event[] = []
  private readonly scene = new Scene()
  private readonly backend: ScriptedBackend
  private readonly session: Session
  private readonly actor: Actor
  private readonly world: World
  private places: number
  private hasLeft = false

  constructor(house: House, arrival: Arrival, world: World, deeds: readonly Deed[], traps: number) {
    this.world = world
    this.places = traps
    this.backend = new ScriptedBackend(world)
    this.actor = new Actor(deeds, this.scene)
    this.session = new Session(house, arrival, this, 0)
  }

  play(): Played {
    const { session, scene, actor } = this
    scene.note(0, 'event', `${session.arrival.client.text} connects`)
    session.start(0)
    for (let turns = 0; !session.isDone && turns < mostTurns; turns++) {
      const event = this.events[0]
      const said = this.hasLeft ? null : this.dueAt()
      const next = Math.min(event?.at ?? never, said ?? never, session.deadline)
      // Nobody will say anything any more.
      if (next === never) break
      this.now = Math.max(this.now, next)
      if (event !== undefined && event.at <= this.now) {
        this.events.shift()
        event.happen()
      } else if (said !== null && said <= this.now) this.act()
      else session.timeout(this.now)
    }
    scene.close(this.now)
    if (!session.isDone) session.broken(this.now)
    return { session, spoken: scene.spoken, unsaid: actor.unsaid }
  }

  /** Who has said all, and has heard all, goes. */
  private dueAt(): number | null {
    const { actor } = this
    if (!actor.isFinished) return actor.dueAt(this.now)
    return actor.hasHeard ? this.now : null
  }

  private act(): void {
    const taken = this.actor.take()
    const what = taken?.deed.what ?? 'end'
    if (taken !== null && taken.octets.length > 0) {
      this.scene.lines(this.now, 'client', taken.octets.toString('latin1'))
      this.session.receive(taken.octets, this.now)
    } else if (what === 'broken') {
      this.hasLeft = true
      this.scene.note(this.now, 'event', 'the connection of the client breaks')
      this.session.broken(this.now)
    } else {
      this.hasLeft = true
      this.scene.note(this.now, 'event', 'the client closes')
      this.session.end(this.now)
    }
  }

  private later(happen: () => void, ofBackend = false): void {
    this.events.push({ at: this.now, ofBackend, happen })
  }

  private replyOf(text: string): void {
    if (text === '') return
    this.later(() => {
      this.scene.lines(this.now, 'backend', text)
      this.session.backend(Buffer.from(text, 'latin1'), this.now)
    }, true)
  }

  send(text: string): void {
    this.scene.gate(this.now, text)
  }

  octets(octets: Uint8Array): void {
    this.send(Buffer.from(octets).toString('latin1'))
  }

  ask(ask: Ask): void {
    const { session, world } = this
    switch (ask) {
      case 'recall': {
        return this.later(() => session.answer({ ask, ...world.recalled }, this.now))
      }
      case 'dnsbl': {
        const { rank, list, failed } = world.listed ?? { rank: 0, list: null, failed: 0 }
        const finding = { rank, list, couldRise: 0, couldFall: 0, failed, asked: Math.max(1, failed), ttl: 300 }
        return this.later(() => session.answer({ ask, finding }, this.now))
      }
      case 'reverse-name':
        return this.later(() => {
          session.answer({ ask, name: world.named }, this.now)
          this.identify()
        })
      case 'hello-name': {
        const hello = session.facts.hello ?? ''
        return this.later(() => session.answer({ ask, hello, found: world.helloName }, this.now))
      }
      case 'sender-domain': {
        const sender = session.facts.sender ?? ''
        const found = senderDomainOf(sender) === null ? 'unasked' : world.senderDomain
        return this.later(() => session.answer({ ask, sender, found }, this.now))
      }
      case 'spf': {
        const about = { sender: session.facts.sender ?? '', hello: session.facts.hello ?? '' }
        const finding = spfFinding(world.spf, about)
        return this.later(() => {
          session.answer({ ask, ...about, finding }, this.now)
          this.identify()
        })
      }
      case 'rate':
        return this.later(() => session.answer({ ask, over: world.rated }, this.now))
      case 'greylist': {
        const tuple = session.facts.recipient?.grey?.tuple ?? ''
        const wait = world.greylisted ?? greyTimes(session)?.delay ?? null
        return this.later(() => session.answer({ ask, tuple, wait }, this.now))
      }
      case 'identity':
        return this.identify()
      default:
        ask satisfies never
    }
  }

  /** What is known of the client's verified names, where anything is: of several, what speaks most for it. */
  private identify(): void {
    const { session, world } = this
    const names = identitiesOf(session.facts, session.arrival.client)
    const [best] = names.flatMap(name => world.identities.get(name) ?? []).toSorted((a, b) => a.score - b.score)
    if (best !== undefined) this.later(() => session.answer({ ask: 'identity', repute: best }, this.now))
  }

  open(): void {
    this.later(() => {
      const { gone } = this.world
      this.scene.note(this.now, 'event', gone === null ? 'the backend is opened' : `the backend is gone: ${gone}`)
      if (gone !== null) return this.session.backendGone(gone, this.now)
      // How it is told of the client, and whether in TLS, is nothing that a client meets.
      this.session.opened({ xclient: false, tls: 'off' }, this.now)
      this.replyOf(this.backend.greet())
    }, true)
  }

  reopen(): boolean {
    return false
  }

  secureClient(): void {
    this.later(() => {
      this.scene.note(this.now, 'event', 'TLS begins')
      this.session.secured({ version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName: null }, this.now)
    })
  }

  secureBackend(): void {
    this.later(() => this.session.backendSecured(this.now), true)
  }

  command(text: string): void {
    this.scene.lines(this.now, 'to backend', text)
    this.replyOf(this.backend.command(text))
  }

  message(octets: Uint8Array): void {
    this.replyOf(this.backend.message(octets))
  }

  reached(): void {}

  replied(): void {}

  trap(): boolean {
    return this.places-- > 0
  }

  trapped(): void {}

  abandon(): void {
    this.events = this.events.filter(({ ofBackend }) => !ofBackend)
  }

  close(): void {
    this.scene.note(this.now, 'event', 'the gate closes')
  }

  concluded(): void {}
}

/** Whose domain it is follows from the envelope (RFC 7208 2.4). */
function spfFinding(
  result: World['spf'],
  { sender, hello }: { readonly sender: string; readonly hello: string },
): SpfFinding {
  if (typeof result !== 'string') return result
  const domain = senderDomainOf(sender)
  const identity = domain === null ? 'helo' : 'mailfrom'
  return { result, domain: domain ?? hello.toLowerCase(), identity, mechanism: null, problem: null, explanation: null }
}
