/** The best time of several rounds in ms: what the machine's other work adds is left out. */
export function best(round: () => void): number {
  let shortest = Number.POSITIVE_INFINITY
  for (let i = 0; i < 15; i++) {
    const start = performance.now()
    round()
    shortest = Math.min(shortest, performance.now() - start)
  }
  return shortest
}
