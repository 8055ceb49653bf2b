import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { type LoadLimits, type LoadReading, shedShare } from '@sallyport/rules'
import type { Asked } from './session/port.ts'

/** Between two readings, ms. */
const interval = 1_000

/** How often the event loop is looked at, ms; that much of a delay is its own. */
const resolution = 20

/** What a reading keeps of the one before, where the backend was asked nothing: a busy minute is forgotten in some ten seconds. */
const kept = 0.8

/** Weight of one more reply in the mean of the backend's. */
const weight = 0.1

/** Replies that the backend gives at once if it is well. That to a message is not: a scanner may stand behind it. */
const prompt: ReadonlySet<Asked> = new Set(['connect', 'hello', 'mail', 'rcpt'])

/** How busy the gate and its backend are, read once a second; shared by all sessions. */
export class Load {
  /** The share of unknown clients that is turned away now, 0 to 1. */
  shed = 0
  reading: LoadReading = { eventLoop: 0, backend: 0 }
  limits: LoadLimits
  private readonly changed: (load: Load) => void
  private readonly delay: IntervalHistogram
  private readonly timer: NodeJS.Timeout
  private backend = 0
  private replies = 0

  /** `changed`: called when clients begin to be turned away, and when they are not any more. */
  constructor(limits: LoadLimits, changed: (load: Load) => void) {
    this.limits = limits
    this.changed = changed
    this.delay = monitorEventLoopDelay({ resolution })
    this.delay.enable()
    this.timer = setInterval(() => this.read(), interval).unref()
  }

  /** The backend took so long, ms, to answer. */
  replied(to: Asked, wait: number): void {
    if (!prompt.has(to)) return
    this.replies++
    this.backend += (wait - this.backend) * weight
  }

  stop(): void {
    clearInterval(this.timer)
    this.delay.disable()
  }

  private read(): void {
    if (this.replies === 0) this.backend *= kept
    this.replies = 0
    const eventLoop = Math.max(0, this.delay.percentile(99) / 1e6 - resolution)
    this.delay.reset()
    this.reading = { eventLoop, backend: this.backend }
    const before = this.shed
    this.shed = shedShare(this.reading, this.limits)
    if (before > 0 !== this.shed > 0) this.changed(this)
  }
}
