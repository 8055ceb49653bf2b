import type { Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Gate } from './gate.ts'
import { sayFarewell } from './reception.ts'

/** Readiness off; new clients as before while balancers notice; then none, and the sessions are let go at command boundaries. */
export async function drain(gate: Gate, listeners: readonly Server[]): Promise<void> {
  const { delay, wait } = gate.config.drain
  gate.log.info({ event: 'drain', connections: gate.census.open }, 'draining')
  gate.draining = true
  if (delay > 0) await pause(delay)
  for (const listener of listeners) listener.close()
  gate.emptying = true
  for (const connection of gate.connections) {
    const { session } = connection
    if (session !== null) connection.drive(() => session.drain(gate.clock()))
    // Who waits for his last word hears it now. Whose PROXY header or handshake is under way has only just come: his session drains from its start.
    else if (connection.farewell !== null) sayFarewell(connection)
  }
  await emptied(gate, wait)
  if (gate.connections.size === 0) return
  gate.log.warn({ event: 'drain', connections: gate.census.open }, 'the time to drain is over: sessions are sent away')
  for (const connection of gate.connections) connection.dismiss()
  // Who stays has said its final dot, and the backend's reply is on its way.
  await emptied(gate, gate.config.timeouts.backendFinal)
}

/** Until the last connection is gone, or so many milliseconds have passed. */
async function emptied(gate: Gate, wait: number): Promise<void> {
  const end = gate.clock() + wait
  while (gate.connections.size > 0 && gate.clock() < end) await pause(20)
}
