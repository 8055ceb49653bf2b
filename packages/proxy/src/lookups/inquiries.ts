import type { Resolver } from 'node:dns'
import type { DnsAnswer, DnsInquiry, DnsQuestion } from '@sallyport/rules'
import { askDns } from './dns-query.ts'
import { makeResolver, mostHearers } from './resolver.ts'

/** Inquiries that may be open at one time; each asks ten questions at once at most. */
const mostFlights = 500

const failed: DnsAnswer = { kind: 'failed' }

export interface InquiryOptions {
  /** As for DNS lists; empty: the system's. */
  readonly resolvers: readonly string[]
  /** Milliseconds for all questions of one inquiry together. */
  readonly wait: number
}

type Answered<Found> = (found: Found) => void

/** One inquiry, and everybody who wants to know. */
interface Flight<Found> {
  readonly answered: Answered<Found>[]
  /** Resolved by the deadline. */
  readonly over: Promise<void>
  isOver: boolean
}

/**
 * Carries out inquiries: asks their questions and hands them the answers. Those of the same key at the same time are one; nothing
 * is kept. What has no answer by the deadline has failed, and the inquiry itself says what that comes to.
 *
 * Roads not taken: a cache of our own: the resolver beside the gate has one, which knows how long an answer holds.
 */
export class Inquiries<Found> {
  private readonly resolver: Resolver
  private readonly wait: number
  private readonly onFault: (fault: unknown) => void
  private readonly flights = new Map<string, Flight<Found>>()

  /** `onFault`: an inquiry threw, which is our own fault; who asked is not answered. */
  constructor({ resolvers, wait }: InquiryOptions, onFault: (fault: unknown) => void) {
    this.wait = wait
    this.resolver = makeResolver(resolvers, wait)
    this.onFault = onFault
  }

  /** Calls `answered` once, never before it has returned and after the wait at the latest. */
  ask(key: string, begin: () => DnsInquiry<Found>, answered: Answered<Found>): void {
    const flying = this.flights.get(key)
    if (flying !== undefined && flying.answered.length < mostHearers) {
      flying.answered.push(answered)
      return
    }
    let stop = () => {}
    const over = new Promise<void>(resolve => {
      stop = resolve
    })
    const flight: Flight<Found> = {
      answered: [answered],
      over,
      isOver: flying !== undefined || this.flights.size >= mostFlights,
    }
    const deadline = setTimeout(() => {
      flight.isOver = true
      stop()
    }, this.wait)
    if (!flight.isOver) this.flights.set(key, flight)
    this.run(flight, begin())
      .then(found => {
        this.forget(key, flight, deadline)
        for (const tell of flight.answered) tell(found)
      })
      .catch((fault: unknown) => {
        this.forget(key, flight, deadline)
        this.onFault(fault)
      })
  }

  /** Breaks off all questions; who waits is told what follows from that. */
  stop(): void {
    this.resolver.cancel()
  }

  private forget(key: string, flight: Flight<Found>, deadline: NodeJS.Timeout): void {
    clearTimeout(deadline)
    if (this.flights.get(key) === flight) this.flights.delete(key)
  }

  private async run(flight: Flight<Found>, inquiry: DnsInquiry<Found>): Promise<Found> {
    // Not from within `ask`, even if nothing has to be asked.
    await undefined
    let step = inquiry.next()
    while (!step.done) step = inquiry.next(await this.answersTo(step.value, flight))
    return step.value
  }

  /** As many answers as have come by the deadline. */
  private async answersTo(questions: readonly DnsQuestion[], flight: Flight<Found>): Promise<readonly DnsAnswer[]> {
    const answers = questions.map(() => failed)
    if (flight.isOver) return answers
    const all = questions.map(async (question, i) => {
      answers[i] = await askDns(this.resolver, question)
    })
    await Promise.race([Promise.all(all), flight.over])
    return answers.slice()
  }
}
