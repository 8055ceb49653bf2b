import * as z from 'zod'
import type { Decisions } from './config.ts'
import * as leaves from './leaves.ts'
import { section } from './section.ts'

const { count, size } = leaves

const decisionKeys = section({
  file: leaves.path
    .optional()
    .describe(
      'Where the records are written, one JSON object a line. Default: nowhere. Full files get the time as suffix.',
    ),
  size: size(65_536, 1024 ** 4, '100M')
    .prefault('100M')
    .describe('How large a file becomes.'),
  files: count(1, 1000)
    .prefault(10)
    .describe('How many files are kept, the one that is being written included; older ones are removed.'),
})

export const decisions = z
  .codec(decisionKeys, z.custom<Decisions>(), {
    decode: found => ({ ...found, file: found.file ?? null }),
    encode: ({ file, ...others }) => ({ ...others, file: file ?? undefined }),
  })
  .prefault({})
  .describe('A record of each session: what was seen, what followed, and why; for sallyport explain and replay.')
