/** What a command has to say: on standard output and, a line each, on standard error; and how it ends. */
export interface Told {
  /** 0: found, and told; 1: there is nothing; 2: it could not be found out. */
  readonly status: 0 | 1 | 2
  readonly text: string
  readonly troubles: readonly string[]
}
