// Lets a bot at a gate, and puts together what it heard, what the gate wrote and what the backend saw.

import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionLine } from '../support/gate.ts'
import type { Owner } from '../support/owner.ts'
import { type Bot, type Sighting, type ZooPreset, zooPresets } from './animal.ts'
import { Meeting } from './meeting.ts'
import { type Experience, visit } from './wire.ts'
import type { World } from './world.ts'

/** Every bot has a network of its own with every gate, or one would suffer from another's bad name. */
export function networkOf(preset: ZooPreset, position: number): string {
  return `198.18.${zooPresets.indexOf(preset) * 64 + position}`
}

function christen(world: World, { named }: Bot, address: string): void {
  const dashed = address.replaceAll('.', '-')
  if (named === 'generic') world.names.call(address, `dyn-${dashed}.pool.example`)
  else if (named === 'good') world.names.call(address, `mail${address.split('.').at(-1)}.offers.example`)
}

/** `position`: of the bot among all. Resolves when it is over, with the experiences of its visits beside. */
export async function observe(
  owner: Owner,
  world: World,
  preset: ZooPreset,
  bot: Bot,
  position: number,
): Promise<{ readonly sighting: Sighting; readonly experiences: readonly Experience[] }> {
  const gate = world.gates[preset]
  const network = networkOf(preset, position)
  const experiences: Experience[] = []
  for (const wave of bot.waves) {
    const meeting = new Meeting(wave.length)
    const over = wave.map(async one => {
      const address = `${network}.${one.host}`
      christen(world, bot, address)
      return visit(owner, gate.port, address, one, meeting)
    })
    experiences.push(...(await Promise.all(over)))
    // What the gate has learnt of a session is written when its line is.
    await logged(() => gate.log(), network, experiences)
  }
  const lines = await logged(() => gate.log(), network, experiences)
  const seen = await backendView(world, network, lines)
  return { sighting: { ...fateOf(experiences), by: causesOf(lines, experiences), ...seen }, experiences }
}

/** The session lines of a network once each visit that was not turned away before its session has one. */
async function logged(
  log: () => readonly SessionLine[],
  network: string,
  experiences: readonly Experience[],
): Promise<readonly SessionLine[]> {
  const due = experiences.filter(({ heard }) => heard.length > 0 && !heard[0]?.text.startsWith('421 ')).length
  for (let tries = 0; ; tries++) {
    const lines = log().filter(({ client }) => client.startsWith(`${network}.`))
    if (lines.length >= due && tries >= 4) return lines
    if (tries === 100) throw new Error(`${lines.length} session lines of ${network} and not ${due}`)
    await sleep(50)
  }
}

function fateOf(experiences: readonly Experience[]): Pick<Sighting, 'fate' | 'after'> {
  for (const { heard } of experiences) {
    const refusal = heard.find(({ text }) => /^[45]/.test(text))
    if (refusal !== undefined) {
      return { fate: `${refusal.text.slice(0, 3)} to ${refusal.to}`, after: refusal.at / 1_000 }
    }
  }
  const [first] = experiences
  const passed = first?.heard.some(({ to, text }) => to === 'the message' && text.startsWith('250')) === true
  return { fate: passed ? 'passed' : 'left', after: (first?.lasted ?? 0) / 1_000 }
}

function causesOf(lines: readonly SessionLine[], experiences: readonly Experience[]): string[] {
  const causes = lines.flatMap(line => line.check ?? (line.ending === 'limit' ? ['limit'] : []))
  // Who is turned away by a bound on connections has no session.
  if (experiences.some(({ port }) => lines.every(line => line.port !== port))) causes.push('limit')
  return [...new Set(causes)]
}

/** What the backend's own log says of a network, once its sessions are over there too. */
async function backendView(
  { postfix }: World,
  network: string,
  lines: readonly SessionLine[],
): Promise<Pick<Sighting, 'sessions' | 'unknown' | 'messages'>> {
  const due = lines.filter(({ ms }) => ms.backend !== undefined).length
  const client = `\\[${network.replaceAll('.', '\\.')}\\.\\d+\\]`
  const count = (log: string, pattern: string) => [...log.matchAll(new RegExp(pattern, 'g'))]
  for (let tries = 0; ; tries++) {
    const log = await postfix.log()
    const sessions = count(log, `: connect from \\S*${client}`).length
    const over = count(log, `: disconnect from \\S*${client}`).length
    if ((sessions === over && sessions >= due) || tries === 100) {
      const queued = count(log, `: (\\w+): client=\\S*${client}`).map(match => match[1])
      return {
        sessions,
        unknown: count(log, `reject: RCPT from \\S*${client}: 550 5\\.1\\.1`).length,
        messages: queued.filter(id => log.includes(` ${id}: from=<`)).length,
      }
    }
    await sleep(50)
  }
}
