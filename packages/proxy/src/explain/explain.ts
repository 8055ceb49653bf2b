import { type Address, parseAddress } from '@sallyport/rules'
import type { Config } from '../config/config.ts'
import { configVersion } from '../decisions/config-version.ts'
import { textOf } from '../decisions/decision-text.ts'
import { findDecision } from '../decisions/find-decision.ts'
import { errorText } from '../error.ts'
import type { Told } from '../told.ts'
import { accessOf } from '../try/house.ts'
import { isKnown, prospectJson, prospectOf, prospectText } from './client.ts'
import { knowledgeOf, type Visit } from './knowledge.ts'
import { remember } from './remembered.ts'

/** A reference id as clients quote it, out of a whole reply or by itself, and as it is read out on the phone. */
const reference = /^(?:ref=)?([0-9a-z]{12})$/i

/** `sallyport explain`: what happened in a session, by its reference id, or what would happen to a client now, by its address. */
export async function explain(config: Config, subject: string, visit: Visit, asJson: boolean): Promise<Told> {
  const client = parseAddress(subject)
  if (client !== null) return explainClient(config, client, visit, asJson)
  const id = reference.exec(subject)?.[1]?.toLowerCase()
  if (id !== undefined && Object.values(visit).some(said => said !== null))
    return { status: 2, text: '', troubles: ['explain: --helo, --from and --to are for an address'] }
  if (id !== undefined) return explainSession(config, id, asJson)
  return { status: 2, text: '', troubles: [`explain: neither an address nor a reference id: ${subject}`] }
}

async function explainSession(config: Config, id: string, asJson: boolean): Promise<Told> {
  const { file } = config.decisions
  if (file === null) {
    return { status: 2, text: '', troubles: ['explain: no records are written: name a file in decisions.file'] }
  }
  try {
    const found = await findDecision(file, id)
    if (found === null)
      return { status: 1, text: '', troubles: [`explain: no record of ${id} in ${file} and the files beside it`] }
    const now = configVersion(config)
    const { decision, path } = found
    const text = asJson ? `${JSON.stringify({ file: path, config: now, decision }, null, 2)}\n` : textOf(decision, now)
    return { status: 0, text, troubles: [] }
  } catch (fault) {
    return { status: 2, text: '', troubles: [`explain: ${errorText(fault)}`] }
  }
}

async function explainClient(config: Config, client: Address, visit: Visit, asJson: boolean): Promise<Told> {
  const lists = await accessOf(config)
  if (typeof lists === 'string') return { status: 2, text: '', troubles: [lists] }
  const remembered = await remember(config, client)
  const knowledge = await knowledgeOf(config, client, lists, visit, remembered)
  const prospect = await prospectOf(config, knowledge, visit, remembered)
  await remembered.close()
  const text = asJson ? prospectJson(prospect) : prospectText(prospect)
  const { troubles } = knowledge
  return { status: troubles.length > 0 ? 2 : isKnown(knowledge) ? 0 : 1, text, troubles: [] }
}
