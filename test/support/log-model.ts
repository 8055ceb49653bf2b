import assert from 'node:assert/strict'
import type { Session } from '@sallyport/proxy/session/session.js'
import { sentence, sessionLine } from '@sallyport/proxy/session-line.js'
import type { Item } from './client-view.ts'

/** What the clients of the walks have for passwords: each is sent once. */
export const secretWord = (number: number): string => `s3cret${number}z`
const secretWords = /s3cret\d+z/g

/** The passwords in an item that is none but for the backend: the arguments of AUTH, and answers in its exchange. */
export function secretsIn(item: Item): readonly string[] {
  const isSecret = item.kind === 'response' || (item.kind === 'line' && item.verb === 'AUTH')
  return isSecret ? secretsInLine(item.line) : []
}

export const secretsInLine = (line: string): readonly string[] => line.match(secretWords) ?? []

/** Nothing that is kept of a session, and nothing that is said of it, holds a password. */
export function assertUnlogged(session: Session, secrets: readonly string[]): void {
  if (secrets.length === 0) return
  const { facts, journal, tally } = session
  const kept = JSON.stringify([facts, journal, tally.outcomes, tally.verdict, sessionLine(session), sentence(session)])
  for (const secret of secrets) assert.ok(!kept.includes(secret), `logs ${secret}`)
}
