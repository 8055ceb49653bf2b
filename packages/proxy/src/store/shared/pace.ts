/** Lessons that are written back at a time, at most. */
const mostAtOnce = 50
/** A batch that took longer, in ms, is followed by one of half the size; one that took less by one of double the size. */
const quick = 5
/** Between two batches Redis is left alone for so many times the ms that the last one took, and for `shortestRest` ms at least. */
const rest = 3
const shortestRest = 5

/**
 * How fast a gate writes back what it learnt while Redis was away. Each gate has at most a batch on its way, and that a quarter of the time: what
 * good clients ask meanwhile waits behind a few lessons. A Redis that has many gates to serve takes longer for a batch, and so gets
 * smaller ones at longer intervals from each, without their knowing of each other. Time is an argument, in ms.
 *
 * Not taken: a fixed rate, which is too much for a hundred gates or too little for one.
 */
export class Pace {
  /** Of the next batch. */
  size = 1

  /** A batch took so long; gives how long to wait before the next. */
  after(took: number): number {
    this.size = took > quick ? Math.max(1, this.size >> 1) : Math.min(mostAtOnce, this.size * 2)
    return Math.max(shortestRest, took * rest)
  }
}
