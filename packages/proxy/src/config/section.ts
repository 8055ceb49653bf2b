import * as z from 'zod'

// A file is read once: to write and compile a function for each of its objects takes longer than to read it without.
z.config({ jitless: true })

type Camel<Key extends string> = Key extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Key
type Renamed<T> = { readonly [Key in keyof T & string as Camel<Key>]: T[Key] }

/** Some keys under one key: snake_case in the file, camelCase in the program; unknown ones are errors. */
export function section<const Shape extends z.ZodRawShape>(shape: Shape) {
  const written = z.strictObject(shape)
  type Written = z.output<typeof written>
  return z.codec(written, z.custom<Renamed<Written>>(), {
    decode: found => renamed(found, camel) as Renamed<Written>,
    encode: value => renamed(value, snake) as Written,
  })
}

function renamed(record: object, rename: (key: string) => string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [rename(key), value]))
}

export function snake(key: string): string {
  return key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

function camel(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
