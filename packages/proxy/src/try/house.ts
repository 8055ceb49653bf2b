import type { Access, CheckName } from '@sallyport/rules'
import { AccessLists } from '../access.ts'
import { writtenGroups } from '../backends/plan.ts'
import type { Config, ListenMode } from '../config/config.ts'
import { greetWaitOf, houseOf } from '../house.ts'
import { starttlsOf } from '../reception.ts'
import { type House, Offer } from '../session/house.ts'
import { Routes } from '../session/routes.ts'
import type { Script } from './script.ts'
import { type Played, playOut } from './stage.ts'

const silent = { info() {}, warn() {} }

/** The house of a configuration without its servers. */
export function houseToTry(config: Config, keywords: readonly string[]): House {
  const routes = new Map<string, string>()
  for (const { domains } of writtenGroups(config)) for (const domain of domains) routes.set(domain, domains[0] ?? '')
  const useXclient = writtenGroups(config).some(({ settings }) => settings.identity === 'xclient')
  const offer = new Offer(config.hostname)
  offer.renew(keywords)
  return houseOf(config, { routes: new Routes(routes), useXclient }, offer, { shed: 0 })
}

/** Plays a script under a configuration. `access`: what the lists say, unless the script does; `id`: the reference id that is said. */
export function playScript(config: Config, script: Script, access: Access, id: string): Played {
  const { client, world, deeds } = script
  const mode: ListenMode = script.tls ?? config.listen[0]?.tls ?? 'off'
  const arrival = {
    id,
    client,
    clientPort: 4567,
    proxy: null,
    disarmed: new Set<CheckName>(),
    // Nobody is turned away for the load of a moment.
    dice: 1,
    server: null,
    access: script.access ?? access,
    greetWait: greetWaitOf(config, client),
    health: false,
    starttls: starttlsOf(mode),
    tls: mode === 'implicit' ? { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName: null } : null,
  }
  return playOut(houseToTry(config, world.keywords), arrival, world, deeds, config.trap.sessions)
}

/** The operator's lists as they are now; a text says what is wrong with their files. */
export async function accessOf(config: Config): Promise<AccessLists | string> {
  const lists = await AccessLists.load(config.access, silent)
  return lists.problems.length > 0 ? lists.problems.join('\n') : lists
}
