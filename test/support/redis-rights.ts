/** What the gate's user may do in Redis, and no more, with this prefix; so it stands in docs/store.md. */
export const rightsFor = (prefix: string): readonly string[] => [
  `~${prefix}*`,
  'resetchannels',
  `&${prefix}*`,
  '-@all',
  '+@read',
  '+@write',
  '+@scripting',
  '+@connection',
  '+time',
  '+info',
  '+publish',
  '+subscribe',
]
