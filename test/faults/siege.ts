// Many clients that go wrong on purpose at one gate, an honest one beside them, and what the gate held meanwhile.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { ListenMode } from '@sallyport/proxy/config/config.js'
import { type Owner, undoAfter } from '../support/owner.ts'
import { until } from '../support/until.ts'
import { type GaugedGate, type Report, startGauged } from './gauged-gate.ts'
import { mostEach, openssl } from './measure.ts'
import { type SlowPeer, slowPeers } from './slow-peer.ts'

/** As much of that is the session itself with its two sockets, octets. */
const itself = 16_384
/** What the engine lets lie between two collections, or the allocator keeps, however many sessions there are, octets. */
export const mostLying = 64e6
export const waits = {
  command: 1_000,
  screening: 2_500,
  data: 1_000,
  session: 3_000,
  backendReply: 1_000,
  backendFinal: 1_000,
  proxyHeader: 1_000,
  tlsHandshake: 2_000,
} as const
/** How late a deadline may be noticed, ms, beside the time for which the gate was not let run at all. */
export const slack = 1_500
/** Where the gate was not let run for longer, ms, neither was the honest client: it may miss deadlines by itself. */
const mostRobbed = 500
/** How much longer than the slowest of an undisturbed run an honest message may take, ms; some fifteen turns of a busy event loop. */
const mostDelay = 5_000

/** How often the gate is asked what it holds, ms: each time it collects its garbage twice. */
const lookMs = 100

export interface Case {
  readonly name: string
  readonly many: number
  /** Which of the gate's ports they come to; the first unless it says otherwise. */
  readonly port?: number
  /** The sides with which the gate has TLS. */
  readonly sealed?: readonly ('client' | 'backend')[]
  /** What all have done before any goes wrong. */
  readonly begins?: (peer: SlowPeer) => Promise<void>
  readonly does: (peer: SlowPeer) => Promise<void> | void
}

/** A test's context. */
interface Context extends Owner {
  diagnostic(text: string): void
}

export const kib = (octets: number) => `${Math.round(octets / 1024)} KiB`

/** A line said over and over, 64 KiB of it. */
export const lines = (text: string) => Buffer.from(text.repeat(Math.ceil(65_536 / text.length)))

/** Starts what a file under test/faults says; gives its first message. */
export async function startThread<T>(owner: Owner, file: string, workerData: object): Promise<readonly [Worker, T]> {
  const worker = new Worker(new URL(file, import.meta.url), { workerData })
  undoAfter(owner, async () => {
    await worker.terminate()
  })
  const [first] = (await once(worker, 'message')) as [T]
  return [worker, first]
}

export async function recipient(peer: SlowPeer, mood: string, domain = 'example.test'): Promise<void> {
  for (const line of ['', `EHLO ${mood}.example.net`, 'MAIL FROM:<a@example.net>', `RCPT TO:<b@${domain}>`]) {
    await peer.say(line)
  }
}

export class Siege {
  readonly gate: GaugedGate
  private readonly honest: Worker
  /** How long each message of the honest client took, ms; -1: it was not accepted. */
  readonly spans: number[] = []
  /** Slow clients so far. */
  begun = 0
  /** The slowest honest message beside nothing, ms. */
  private undisturbed = 0

  private constructor(gate: GaugedGate, honest: Worker) {
    this.gate = gate
    this.honest = honest
    honest.on('message', (ms: number) => this.spans.push(ms))
  }

  /** A gate with these settings, and a port for each mode; the honest client speaks to the first. */
  static async lay(owner: Owner, settings: string, modes: readonly ListenMode[] = ['off']): Promise<Siege> {
    const gate = await startGauged(owner, settings, waits, modes)
    const [honest, first] = await startThread<number>(owner, './honest-client.js', { port: gate.ports[0] })
    const siege = new Siege(gate, honest)
    siege.spans.push(first)
    await siege.warm()
    return siege
  }

  async peers(owner: Owner, many: number, port = 0, network?: string): Promise<SlowPeer[]> {
    this.begun += many
    return slowPeers(owner, this.gate.ports[port] ?? 0, many, network)
  }

  /** What the first sessions make the engine keep for good is not to be measured. */
  private async warm(): Promise<void> {
    const owner = { after() {} }
    for (let round = 0; round < 2; round++) {
      const peers = await this.peers(owner, 100)
      // On a busy machine some are too late, and are let go.
      await Promise.allSettled(peers.map(peer => recipient(peer, 'good').then(() => peer.say('QUIT'))))
      for (const { socket } of peers) socket.end()
    }
    const before = this.spans.length
    await until('ten honest messages', () => this.spans.length >= before + 10)
    this.undisturbed = Math.max(...this.spans.slice(-10))
    await this.quiet()
  }

  /** When all slow clients are gone. */
  async quiet(): Promise<Report> {
    for (;;) {
      const report = await this.gate.report()
      if (report.connections === 0) return report
      await sleep(lookMs)
    }
  }

  /** Ends the honest client too. */
  async lift(): Promise<Report> {
    await this.honest.terminate()
    return this.quiet()
  }

  /** Lets the clients do what they do, to the end of the last session, and judges what that cost. */
  async measure(t: Context, { many, port, sealed = [], begins, does }: Case): Promise<void> {
    const base = await this.quiet()
    const before = this.spans.length
    const peers = await this.peers(t, many, port)
    let isBegun = false
    const doing = Promise.all(peers.map(peer => begins?.(peer)))
      .then(() => Promise.all(peers.map(does)))
      .finally(() => {
        isBegun = true
      })
    const [[most, each]] = await Promise.all([this.watch(base, many, () => isBegun), doing])
    for (const { socket } of peers) socket.destroy()
    await this.quiet()
    t.diagnostic(
      `${many} sessions, each holds ${kib(each)} (resident ${kib((most.resident - base.resident) / many)}): ` +
        `at most ${kib(most.together)} in buffers (unread ${kib(most.unread)}, in paused sockets ${kib(most.paused)}, to the client ${kib(most.toClient)}, to the backend ${kib(most.toBackend)}); ` +
        `the oldest ${most.oldest} ms`,
    )
    assert.ok(each <= mostEach, `${kib(each)} each`)
    // What OpenSSL could not send it has once more, in its own words.
    const copies = sealed.map(side => openssl + (side === 'client' ? most.toClient : most.toBackend))
    const together = copies.reduce((sum, octets) => sum + octets, most.together)
    assert.ok(together <= mostEach - itself, `${kib(together)} in the buffers of one session`)
    assert.ok(most.resident - base.resident <= many * mostEach + mostLying)
    await this.judgeHonest(t, before, base)
  }

  /** Nobody else has paid: every message of the honest client since its `before`th came through, and in time. */
  async judgeHonest(t: Context, before: number, base: Report): Promise<void> {
    const robbed = (await this.gate.report()).robbed - base.robbed
    const { undisturbed } = this
    const spans = this.spans.slice(before)
    const slowest = Math.max(...spans)
    t.diagnostic(
      `honest messages ${spans.length}, the slowest ${Math.round(slowest)} ms (${Math.round(undisturbed)} ms beside nothing); the gate was not let run for ${Math.round(robbed)} ms`,
    )
    assert.ok(robbed > mostRobbed || !spans.includes(-1), 'an honest message was not accepted')
    assert.ok(spans.length > 0, 'no honest message came through')
    assert.ok(slowest <= undisturbed + mostDelay + robbed, `an honest message took ${slowest} ms`)
  }

  /** Watches until no session is left that has not ended; gives the most of each figure, and of what each session holds. */
  private async watch(base: Report, many: number, isBegun: () => boolean): Promise<[Report, number]> {
    let most = await this.gate.report()
    let each = 0
    for (let report = most; !isBegun() || report.sessions > 0; report = await this.gate.report()) {
      const larger = Object.entries(report).map(([key, value]) => {
        const before = most[key as keyof Report]
        return [key, typeof value === 'number' && typeof before === 'number' ? Math.max(value, before) : value]
      })
      most = Object.fromEntries(larger) as Report
      assert.equal(report.boundless, 0, 'sessions without a deadline')
      const robbed = report.robbed - base.robbed
      assert.ok(report.oldest < waits.session + slack + robbed, `a session of ${report.oldest} ms`)
      // Of a few that are left the engine's own noise would be the most.
      if (report.sessions >= many / 2) each = Math.max(each, (report.held - base.held) / report.sessions)
      await sleep(lookMs)
    }
    return [most, each]
  }
}
