import { type GreyTimes, isBlock, type Lesson, mayBlock, usualSuspectFrom } from '@sallyport/rules'
import {
  type Beyond,
  type BlockListener,
  type ClientRecord,
  type Counted,
  type Store,
  type StoreHealth,
  type StoreLog,
  type WallClock,
  type Weights,
  zeroCounters,
} from '../store.ts'
import { ClientFile } from './client-file.ts'
import { GreyTable } from './grey-table.ts'
import { RateTable } from './rate-table.ts'
import { Records } from './records.ts'

export interface MemoryOptions extends Partial<Weights> {
  readonly kind: 'memory'
  /** Where clients outlive a restart; null: they do not. */
  readonly file: string | null
  /** The most clients that are remembered. */
  readonly clients: number
}

/** Between two saves, in ms: what a crash may cost. Only what has changed is saved. */
const saveInterval = 60_000

/** Clients remembered in this process, and in a file over restarts. */
export class MemoryStore implements Store {
  readonly #records: Records
  readonly #grey: GreyTable
  readonly #rates: RateTable
  readonly #file: ClientFile | null
  readonly #now: WallClock
  readonly #counters = zeroCounters()
  #suspectFrom: number
  #listener: BlockListener | null = null
  readonly #timer: NodeJS.Timeout | null
  /** Something was learnt or forgotten that the file does not say. */
  #changed = false
  /** The save that is running, if one is; the next begins when it has ended. */
  #saving: Promise<void> = Promise.resolve()

  /** Reads the file, if there is one to read, before it returns. */
  constructor(options: MemoryOptions, log: StoreLog, now: WallClock) {
    this.#now = now
    this.#suspectFrom = options.suspectFrom ?? usualSuspectFrom
    this.#grey = new GreyTable(options.clients)
    this.#rates = new RateTable(options.clients)
    this.#file = options.file === null ? null : new ClientFile(options.file, log)
    this.#records = this.#file?.load(options, now()) ?? new Records(options.clients, options.fading)
    this.#timer = this.#file === null ? null : setInterval(() => this.save(), saveInterval).unref()
  }

  get health(): StoreHealth {
    return { kind: 'memory', up: true, clients: this.#records.size, ...this.#counters }
  }

  recall(client: string): Promise<ClientRecord> {
    this.#counters.recalls++
    return Promise.resolve(this.#records.recall(client, this.#now()))
  }

  remember(client: string, lesson: Lesson): void {
    this.#counters.remembers++
    const now = this.#now()
    this.#records.remember(client, lesson, now)
    this.#changed = true
    if (this.#listener === null || !mayBlock(lesson)) return
    const { repute } = this.#records.recall(client, now)
    if (isBlock(client, lesson, repute?.score ?? 0, this.#suspectFrom)) this.#listener([client])
  }

  greylist(name: string, times: GreyTimes): Promise<number> {
    return Promise.resolve(this.#grey.meet(name, times, this.#now()))
  }

  rate(scope: string, counted: readonly Counted[]): Promise<Beyond | null> {
    return Promise.resolve(this.#rates.count(scope, counted, this.#now()))
  }

  enter(): null {
    return null
  }

  spare(_network: string, question: Promise<void>): Promise<void> {
    return question
  }

  leave(): void {}

  greylistLeft(name: string, times: GreyTimes): Promise<number> {
    return Promise.resolve(this.#grey.left(name, times, this.#now()))
  }

  rateLeft(scope: string, counted: readonly Counted[]): Promise<Beyond | null> {
    return Promise.resolve(this.#rates.left(scope, counted, this.#now()))
  }

  renew({ fading, suspectFrom }: Weights): void {
    this.#records.fading = fading
    this.#suspectFrom = suspectFrom
  }

  onBlock(listener: BlockListener): void {
    this.#listener = listener
  }

  forget(client: string): Promise<boolean> {
    if (this.#records.forget(client)) this.#changed = true
    return Promise.resolve(true)
  }

  /** Writes the file if there is anything new. Never rejects. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#saveNow())
    return this.#saving
  }

  close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    return this.save()
  }

  async #saveNow(): Promise<void> {
    if (this.#file === null || !this.#changed) return
    // Cleared before, not after: what is learnt while the file is being written is for the next one.
    this.#changed = false
    if (await this.#file.save(this.#records, this.#now())) return
    this.#changed = true
    this.#counters.rememberErrors++
  }
}
