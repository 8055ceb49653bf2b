import { codeOf } from '../error.ts'

/** What came of a step, and after how many milliseconds. */
export type Timed<T> = { readonly value: T; readonly ms: number } | { readonly fault: string; readonly ms: number }

/** Takes the time of a step. What it rejects with is the world's fault, and is told as a text. */
export async function timed<T>(step: () => Promise<T>): Promise<Timed<T>> {
  const begin = performance.now()
  const ms = () => Math.round(performance.now() - begin)
  try {
    return { value: await step(), ms: ms() }
  } catch (error) {
    return { fault: codeOf(error), ms: ms() }
  }
}
