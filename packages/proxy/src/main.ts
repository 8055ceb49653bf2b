import type { Server } from 'node:http'
import type { AddressInfo, Server as Listener } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { closeAdmin, openAdmin } from './admin.ts'
import { type GroupPlan, planGroups, withDecoy } from './backends/plan.ts'
import type { Config, Endpoint } from './config/config.ts'
import { usualMode } from './config/tls-keys.ts'
import { type Decoy, decoyFor } from './decoy/decoy.ts'
import { drain } from './drain.ts'
import { type EmbeddedMta, startEmbeddedMta } from './embedded-mta.ts'
import { errorText } from './error.ts'
import { Gate } from './gate.ts'
import { weightsOf } from './house.ts'
import { inheritedSockets, listen } from './listener.ts'
import { type Log, openLog } from './log.ts'
import { nowhere, readFiles } from './named-files.ts'
import { Probe } from './probe.ts'
import { openStore, type StoreLog } from './store/index.ts'

/** The port of the embedded MTA is any free one. */
const anyPort = { host: '127.0.0.1', port: 0 } as const

/** How long the start waits for the backend to say what it offers, ms. */
const firstLook = 2_000

/** A running gate, as the command line and the tests hold it. */
export interface Running {
  readonly gate: Gate
  /** Where it listens, in the order of the configuration. */
  readonly addresses: readonly AddressInfo[]
  readonly admin: AddressInfo | null
  /** Takes a new configuration; the problems that kept it from doing so, none if it did. */
  reload(config: Config): Promise<readonly string[]>
  /** Lets every session end in its own time, but no longer than the configuration says. */
  stop(): Promise<void>
  /** Ends at once. */
  kill(): Promise<void>
}

/** What could not be had at the start: an address in use, a list that cannot be read. */
export class StartError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.problems = problems
  }
}

/** Starts a gate. Rejects with a StartError where something that it needs is not to be had. */
export async function start(
  version: string,
  config: Config,
  log: Log = openLog(config.log.level, 1),
): Promise<Running> {
  const { access, certificates, plans, problems } = await readFiles(config, nowhere, log)
  if (plans === null || problems.length > 0) throw new StartError(problems)
  const mta = config.backend.servers === null ? await embedded(config, log) : null
  const store = openStore(
    { ...config.store, ...weightsOf(config) },
    { log: storeLog(log), now: () => Math.floor(Date.now() / 1000) },
  )
  const decoy = await decoyFor(config, log, null)
  if (typeof decoy === 'string') throw new StartError([decoy])
  const found = mta === null ? plans : await plansWith(config, mta)
  const gate = new Gate(version, config, withDecoy(found, config, decoy), access, certificates, store, log)
  const probe = new Probe(gate)
  const house: Household = { gate, probe, mta, decoy, admin: null, listeners: [] }
  try {
    // Our EHLO reply is the backend's, so it is asked first; but a backend that hangs must not keep the gate from its port.
    await Promise.race([probe.lookAtAll(), pause(firstLook, undefined, { ref: false })])
    await named('decisions.file', gate.decisions.renew(config))
    const { listen: adminAt } = config.admin
    if (adminAt !== null) house.admin = await named('admin.listen', openAdmin(gate, adminAt))
    const inherited = inheritedSockets(process.env, process.pid)
    const usual = usualMode(config.tls.certificates)
    // A socket of systemd's has the mode of the entry in its place.
    for (const [i, where] of (inherited.length > 0 ? inherited : config.listen).entries())
      house.listeners.push(await named('listen', listen(gate, where, config.listen[i]?.tls ?? usual)))
  } catch (error) {
    await close(house)
    throw new StartError([errorText(error)])
  }
  access.watch()
  certificates.watch()
  const started = {
    event: 'start',
    version,
    listen: house.listeners.map(addressText),
    admin: house.admin === null ? null : addressText(house.admin),
    backend: gate.backends.servers.map(server => server.name).join(' '),
    identity: [...new Set(gate.backends.servers.map(({ backend }) => backend.identity))].join(' '),
    embedded: mta !== null ? config.backend.maildir : undefined,
    store: config.store.kind,
    config: gate.house.version,
    decisions: config.decisions.file ?? undefined,
  }
  log.info(started, 'sallyport listens')
  return running(house)
}

/** All that has to be closed again. */
interface Household {
  readonly gate: Gate
  readonly probe: Probe
  readonly mta: EmbeddedMta | null
  decoy: Decoy | null
  admin: Server | null
  readonly listeners: Listener[]
}

function storeLog(log: Log): StoreLog {
  return {
    info: message => log.info({ event: 'store' }, message),
    warn: message => log.warn({ event: 'store' }, message),
  }
}

async function embedded(config: Config, log: Log): Promise<EmbeddedMta> {
  const { maildir } = config.backend
  try {
    return await startEmbeddedMta({ ...anyPort, maildir, hostname: config.hostname, log })
  } catch (error) {
    throw new StartError([`embedded mail server: ${errorText(error)}`])
  }
}

const embeddedAt = (mta: EmbeddedMta | null): Endpoint =>
  mta === null ? nowhere : { host: anyPort.host, port: mta.port }

/** The plans, once the port of the embedded MTA is known. */
async function plansWith(config: Config, mta: EmbeddedMta): Promise<readonly GroupPlan[]> {
  const plans = await planGroups(config, embeddedAt(mta))
  if (typeof plans === 'string') throw new StartError([plans])
  return plans
}

function running(house: Household): Running {
  const { gate, listeners, mta } = house
  return {
    gate,
    addresses: listeners.map(listener => listener.address() as AddressInfo),
    admin: house.admin === null ? null : (house.admin.address() as AddressInfo),
    async reload(config) {
      const { access, certificates, plans, ...read } = await readFiles(config, embeddedAt(mta), gate.log)
      const problems = [...restartProblems(gate.config, config), ...read.problems]
      const decoy = problems.length > 0 ? house.decoy : await decoyFor(config, gate.log, house.decoy)
      if (typeof decoy === 'string') problems.push(decoy)
      else house.decoy = decoy
      gate.metrics.reloadSuccessful.set(problems.length === 0 ? 1 : 0)
      if (plans === null || problems.length > 0) return problems
      try {
        await named('decisions.file', gate.decisions.renew(config))
      } catch (fault) {
        gate.metrics.reloadSuccessful.set(0)
        return [errorText(fault)]
      }
      gate.renew(config, withDecoy(plans, config, house.decoy), access, certificates)
      access.watch()
      certificates.watch()
      void house.probe.lookAtAll()
      return []
    },
    async stop() {
      await drain(gate, listeners)
      await close(house)
    },
    async kill() {
      for (const connection of gate.connections) connection.client.destroy()
      house.admin?.closeAllConnections()
      await close(house)
    },
  }
}

/** Says which key it was that could not be had. */
async function named<T>(key: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening
  } catch (error) {
    throw new Error(`${key}: ${errorText(error)}`)
  }
}

/** What a reload cannot change. */
function restartProblems(now: Config, next: Config): string[] {
  const keys = ['listen', 'admin', 'store', 'hostname'] as const
  const problems: string[] = []
  for (const key of keys) {
    if (JSON.stringify(now[key]) !== JSON.stringify(next[key])) problems.push(`${key}: changed; this needs a restart`)
  }
  if ((now.backend.servers === null) !== (next.backend.servers === null)) {
    problems.push('backend: changed between embedded and another; this needs a restart')
  }
  return problems
}

async function close({ gate, probe, mta, decoy, admin, listeners }: Household): Promise<void> {
  probe.stop()
  for (const listener of listeners) listener.close()
  gate.stop()
  if (admin !== null) await closeAdmin(admin)
  await mta?.stop()
  await decoy?.stop()
  await gate.decisions.close()
  await gate.store.close()
}

function addressText(listener: Listener): string {
  const { address, port, family } = listener.address() as AddressInfo
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}
