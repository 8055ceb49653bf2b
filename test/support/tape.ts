/** Choices one after the other; when they run out, always the first. */
export class Tape {
  private readonly choices: readonly number[]
  private at = 0

  constructor(choices: readonly number[]) {
    this.choices = choices
  }

  get isOver(): boolean {
    return this.at >= this.choices.length
  }

  /** A number from 0, below `count`. */
  pick(count: number): number {
    return (this.choices[this.at++] ?? 0) % count
  }

  of<T>(list: readonly T[]): T {
    return list[this.pick(list.length)] as T
  }
}
