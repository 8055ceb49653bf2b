import type { Config } from '../config/config.ts'
import type { Session } from '../session/session.ts'
import { decisionOf } from './decision.ts'
import { DecisionFile, type DecisionLog } from './decision-file.ts'
import { lineOf } from './decision-line.ts'

/** The decision records of a gate: where they go now, if they go anywhere, over reloads. */
export class Decisions {
  private readonly log: DecisionLog
  private file: DecisionFile | null = null
  /** Of files that were closed. */
  private droppedBefore = 0

  constructor(log: DecisionLog) {
    this.log = log
  }

  get dropped(): number {
    return this.droppedBefore + (this.file?.dropped ?? 0)
  }

  /** Writes where the configuration says from now on. Rejects where that cannot be opened, and goes on as before. */
  async renew(config: Config): Promise<void> {
    const { file: path, size, files } = config.decisions
    const now = this.file?.options
    if (path !== (now?.path ?? null) || (now !== undefined && (now.size !== size || now.files !== files))) {
      const next = path === null ? null : await DecisionFile.open({ path, size, files }, this.log)
      await this.close()
      this.file = next
    }
  }

  /** A session is over. */
  add(session: Session): void {
    this.file?.add(lineOf(decisionOf(session, Date.now())))
  }

  /** Writes what waits. Never rejects. */
  async close(): Promise<void> {
    const { file } = this
    this.file = null
    await file?.close()
    this.droppedBefore += file?.dropped ?? 0
  }
}
