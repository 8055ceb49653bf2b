// What is wrong with a drain, a reload, a restart under load; an empty list: nothing.

import type { Tally } from './load.ts'
import { type Drain, delay, type Replacement } from './replace.ts'

/** Nothing lost, nothing twice, nothing that a mail server would not make good at once, and nobody sent away who had only just come. */
export function wrongWith({ failed, fresh, lost, duplicates }: Tally): readonly string[] {
  return [
    ...(fresh > 0 ? [`${fresh} were sent away before their first message`] : []),
    ...failed.map(({ id, stage, words }) => `${id} failed at ${stage}: ${words}`),
    ...lost.map(id => `${id} is lost`),
    ...duplicates.map(id => `${id} is there twice`),
  ]
}

/** A new configuration sends nobody away at all. */
export function wrongWithReload(tally: Tally): readonly string[] {
  const { between } = tally
  return [...wrongWith(tally), ...(between > 0 ? [`${between} were sent away`] : [])]
}

/** And each drain in its order. */
export function wrongWithReplacement({ tally, drains }: Replacement): readonly string[] {
  return [...wrongWith(tally), ...drains.flatMap(wrongWithDrain)]
}

function wrongWithDrain({ unready, out, closed, told, gone, late, inMessage }: Drain): readonly string[] {
  const demands: Readonly<Record<string, boolean>> = {
    'not ready any more before the balancer takes it out': unready < out,
    'out of the balancer before its port is closed': out < closed,
    'the port open for all of drain.delay': closed >= delay,
    'nobody told 421 before that': told >= delay,
    'whoever is told 421 told it before the end': told < gone || told === Number.POSITIVE_INFINITY,
    'the port closed before the end': closed < gone,
    'no client once the balancer has taken it out': late === 0,
    'a message under way at SIGTERM': inMessage > 0,
  }
  return Object.entries(demands)
    .filter(([, isMet]) => !isMet)
    .map(([what]) => `not so: ${what}`)
}

export function replacementText({ tally, drains }: Replacement): string {
  const line = ({ unready, out, closed, told, gone, back }: Drain, i: number) =>
    `drain ${i + 1}: unready after ${ms(unready)}, out of HAProxy ${ms(out)}, port closed ${ms(closed)}, first 421 ${ms(told)}, gone ${ms(gone)}, replaced ${ms(back)}`
  return [...drains.map(line), tallyText(tally)].join('\n')
}

const ms = (time: number): string => `${time.toFixed(0)} ms`

/** The tally as people read it. */
export function tallyText(tally: Tally): string {
  const { messages, connections, between, fresh, failed, lost, duplicates, longest } = tally
  return [
    `${messages} messages by ${connections} connections`,
    `421 between two transactions: ${between}, before the first: ${fresh}`,
    `failed: ${failed.length}; lost: ${lost.length}; twice: ${duplicates.length}`,
    `the longest wait for a greeting: ${ms(longest)}`,
  ].join('\n')
}
