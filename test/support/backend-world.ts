import { Assignment, type Seeker } from '@sallyport/proxy/backends/assignment.js'
import type { Member } from '@sallyport/proxy/backends/choice.js'
import { Group, type QueueResult, type Surroundings } from '@sallyport/proxy/backends/group.js'
import { Server } from '@sallyport/proxy/backends/server.js'
import type { Picking } from '@sallyport/proxy/config/config.js'
import { noTls } from '@sallyport/proxy/tls/backend-tls.js'

/** A server that nobody connects to. */
export function makeServer(name: string, limit = 1_000): Server {
  return new Server(name, { endpoint: { host: name, port: 25 }, identity: 'proxy_v2', tls: noTls }, limit, 10_000)
}

export function makeMembers(weights: readonly number[], limit = 1_000): Member[] {
  return weights.map((weight, i) => ({ server: makeServer(`s${i}`, limit), weight, credit: 0 }))
}

/** What a seeker was told. */
export class Told implements Seeker {
  readonly heard: string[] = []

  granted(assignment: Assignment): void {
    this.heard.push(`granted ${assignment.server?.name}`)
  }

  refused(_assignment: Assignment, why: string): void {
    this.heard.push(`refused ${why}`)
  }
}

/** A group whose clock, dice and wheel are the test's; what it tells is written down. */
export class GroupWorld implements Surroundings {
  now = 0
  dice = 0.5
  /** The deadline that the group has asked for. */
  due = Number.POSITIVE_INFINITY
  readonly results: QueueResult[] = []
  readonly ejections: string[] = []
  readonly group: Group
  readonly wheel = {
    schedule: (_: unknown, at: number): void => {
      this.due = at
    },
    cancel: (): void => {
      this.due = Number.POSITIVE_INFINITY
    },
  }

  constructor(members: readonly Member[], picking: Picking, queue = { length: 100, wait: 3_000 }) {
    this.group = new Group(members, { picking, queue }, this)
  }

  clock(): number {
    return this.now
  }

  random(): number {
    return this.dice
  }

  ejected(server: Server, wait: number): void {
    this.ejections.push(`${server.name} ${wait}`)
  }

  troubled(): void {}

  returned(): void {}

  queued(result: QueueResult): void {
    this.results.push(result)
  }

  /** Time goes on, and what is due by then happens. */
  pass(wait: number): void {
    this.now += wait
    if (this.due <= this.now) this.group.expire(this.now)
  }

  /** A session that seeks a server. */
  seek(stay: Server | null = null): { assignment: Assignment; found: string; told: Told } {
    const told = new Told()
    const assignment = new Assignment(this.group, told)
    return { assignment, found: assignment.seek(stay, this.now), told }
  }
}
