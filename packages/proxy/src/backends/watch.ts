import type { Gate } from '../gate.ts'
import type { QueueResult, Surroundings } from './group.ts'
import type { Server } from './server.ts'

/**
 * What is told of the servers, to the log, the counters and the probe: one line for each change, never one for each session. Of
 * a server that is in no configuration any more nothing is told.
 */
export class Watch implements Surroundings {
  readonly wheel: Gate['wheel']
  private readonly gate: Gate

  constructor(gate: Gate) {
    this.gate = gate
    this.wheel = gate.wheel
  }

  clock(): number {
    return this.gate.clock()
  }

  random(): number {
    return Math.random()
  }

  /** It was asked, and did or did not answer as a mail server should. */
  checked(server: Server, up: boolean, why: string): void {
    if (this.knows(server) && server.checked(up, this.clock())) this.tell(server, why)
  }

  returned(server: Server): void {
    if (this.knows(server)) this.tell(server, '')
  }

  troubled(server: Server): void {
    if (this.knows(server)) this.gate.onTrouble(server)
  }

  ejected(server: Server, wait: number): void {
    if (!this.knows(server)) return
    this.gate.log.warn(
      { event: 'backend', backend: server.name, ms: wait },
      'the backend failed and is left out for a while',
    )
  }

  queued(result: QueueResult): void {
    this.gate.metrics.backendQueue.inc({ result })
  }

  private knows(server: Server): boolean {
    return this.gate.backends.servers.includes(server)
  }

  private tell(server: Server, why: string): void {
    const { log, backends } = this.gate
    const about = { event: 'backend', backend: server.name }
    if (server.up) log.info(about, 'the backend can be used again')
    else if (backends.isMissed(server)) log.error({ ...about, why }, 'the backend cannot be used: clients hear 451')
    else log.warn({ ...about, why }, 'the backend cannot be used: others of its group take its sessions')
  }
}
