/** A source tree: paths from the root, with forward slashes, and what stands in the files. */
export type Tree = ReadonlyMap<string, string>

/** Gives a line for each place where the law is broken. */
type Law = (tree: Tree) => readonly string[]

interface Import {
  readonly of: string
  readonly typeOnly: boolean
}

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')

const commentsOf = (text: string) => text.match(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm)?.join('\n') ?? ''

/** What is run: neither comments nor what stands in quotes. */
const codeOf = (text: string) =>
  withoutComments(text).replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''")

function importsOf(text: string): readonly Import[] {
  const found: Import[] = []
  const code = withoutComments(text)
  for (const match of code.matchAll(/^(?:import|export)\b( type\b)?[^;'"`=]*?from\s+'([^']+)'/gm))
    found.push({ of: match[2] ?? '', typeOnly: match[1] !== undefined })
  for (const match of code.matchAll(/\bimport\s*\(?\s*'([^']+)'/g)) found.push({ of: match[1] ?? '', typeOnly: false })
  return found
}

/** Where a relative import leads. */
function resolved(from: string, to: string): string {
  const parts = from.split('/').slice(0, -1)
  for (const part of to.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}

const isRelative = (of: string) => of.startsWith('.')
const isSource = (path: string) => path.endsWith('.ts')

/** Files below `folder` import only what `allowed` lets pass, by its path or package name. */
function importLaw(folder: string, allowed: (of: string, typeOnly: boolean) => boolean): Law {
  return tree =>
    [...tree].flatMap(([path, text]) =>
      path.startsWith(folder) && isSource(path)
        ? importsOf(text).flatMap(({ of, typeOnly }) => {
            const target = isRelative(of) ? resolved(path, of) : of
            return allowed(target, typeOnly) ? [] : [`${path} imports ${of}`]
          })
        : [],
    )
}

/** No file of `where` has this in its code, or, with `comments`, anywhere. */
function wordLaw(where: (path: string) => boolean, words: RegExp, comments: boolean): Law {
  return tree =>
    [...tree].flatMap(([path, text]) => {
      if (!isSource(path) || !where(path)) return []
      const found = words.exec(comments ? text : codeOf(text))
      return found === null ? [] : [`${path}: ${found[0].trim()}`]
    })
}

const rules = 'packages/rules/src/'
const smtp = 'packages/proxy/src/smtp/'
const session = 'packages/proxy/src/session/'
const pure = [rules, smtp, session]

/** The one place for each package that is not ours: a file, or a folder. */
const outside: ReadonlyMap<string, string> = new Map([
  ['ioredis', 'packages/proxy/src/store/redis/redis-connection.ts'],
  ['pino', 'packages/proxy/src/log.ts'],
  ['prom-client', 'packages/proxy/src/metrics.ts'],
  ['smtp-server', 'packages/proxy/src/mail-server.ts'],
  ['yaml', 'packages/proxy/src/config/'],
  ['zod', 'packages/proxy/src/config/'],
])

const dependencies: ReadonlyMap<string, readonly string[]> = new Map([
  ['package.json', []],
  ['packages/rules/package.json', []],
  ['packages/proxy/package.json', ['@sallyport/rules', ...outside.keys()]],
])

function jsonLaw(path: string, fault: (json: Record<string, unknown>) => string | null): Law {
  return tree => {
    const text = tree.get(path)
    if (text === undefined) return [`${path} is missing`]
    const found = fault(JSON.parse(text) as Record<string, unknown>)
    return found === null ? [] : [`${path}: ${found}`]
  }
}

const all =
  (...laws: readonly Law[]): Law =>
  tree =>
    laws.flatMap(law => law(tree))

const noTypes = (path: string) =>
  jsonLaw(path, json => {
    const options = json['compilerOptions'] as { readonly types?: readonly string[] } | undefined
    return options?.types?.length === 0 ? null : '"types" is not []'
  })

/** The source files that a text names, by the end of their path, and that are not among these. */
export const missingIn = (text: string, paths: readonly string[]): readonly string[] =>
  [...text.matchAll(/(?<![\w/.-])(?:[a-z0-9-]+\/)*[a-z0-9-]+(?:\.test)?\.ts\b/g)]
    .map(([named]) => named)
    .filter(named => !paths.some(path => `/${path}`.endsWith(`/${named}`)))

/** The laws of the layout by their sentences. */
export const laws = {
  'rules imports nothing but itself': importLaw(rules, of => of.startsWith(rules)),
  'a check imports check.ts and duration.ts, the type of facts.ts, and no other check': tree =>
    importLaw(
      `${rules}checks/`,
      (of, typeOnly) =>
        of === `${rules}check.ts` || of === `${rules}duration.ts` || (typeOnly && of === `${rules}facts.ts`),
    )(new Map([...tree].filter(([path]) => path !== `${rules}checks/index.ts`))),
  'smtp imports nothing but itself': importLaw(smtp, of => of.startsWith(smtp)),
  'session imports itself, smtp and the rules by their index': importLaw(
    session,
    of => of.startsWith(session) || of.startsWith(smtp) || of === '@sallyport/rules',
  ),
  'rules, smtp and session read no clock, no dice and no process': wordLaw(
    path => pure.some(folder => path.startsWith(folder)),
    /\b(?:Date\b|Math\.random|performance\b|process\.|globalThis\b|set(?:Timeout|Interval|Immediate)\b|queueMicrotask\b)/,
    false,
  ),
  'rules, smtp and session are compiled without types of Node': all(
    noTypes('packages/rules/tsconfig.json'),
    noTypes('packages/proxy/src/smtp/tsconfig.json'),
    noTypes('packages/proxy/src/session/tsconfig.json'),
  ),
  'a package that is not ours is imported in one place': tree =>
    [...tree].flatMap(([path, text]) =>
      path.startsWith('packages/') && isSource(path)
        ? importsOf(text).flatMap(({ of }) => {
            if (isRelative(of) || of.startsWith('node:') || of.startsWith('@sallyport/')) return []
            const place = outside.get(of)
            return place !== undefined && path.startsWith(place) ? [] : [`${path} imports ${of}`]
          })
        : [],
    ),
  'packages need at run time what is allowed, and nothing more': all(
    ...[...dependencies].map(([path, allowed]) =>
      jsonLaw(path, json => {
        const needed = Object.keys((json['dependencies'] as object | undefined) ?? {}).sort()
        return needed.join() === [...allowed].sort().join() ? null : `needs ${needed.join(', ') || 'nothing'}`
      }),
    ),
  ),
  'nothing outside the tests imports them': tree =>
    [...tree].flatMap(([path, text]) =>
      path.startsWith('test/')
        ? []
        : importsOf(text)
            .filter(({ of }) => isRelative(of) && resolved(path, of).startsWith('test/'))
            .map(({ of }) => `${path} imports ${of}`),
    ),
  'no default exports': wordLaw(() => true, /^\s*export default\b|\bas default\b/m, false),
  'no any and no enum': wordLaw(() => true, /(?::|\bas|<|\|) *any\b(?! \w)|^\s*(?:export )?(?:const )?enum \w/m, false),
  'no compiler or linter is told to look away': wordLaw(
    () => true,
    /@ts-(?:ignore|nocheck|expect-error)|biome-(?:ignore)|eslint-(?:disable)/,
    true,
  ),
  'a source file that a comment names is there': tree => {
    const paths = [...tree.keys()]
    return [...tree].flatMap(([path, text]) =>
      isSource(path) ? missingIn(commentsOf(text), paths).map(named => `${path} names ${named}`) : [],
    )
  },
  'file names are kebab-case': tree =>
    [...tree.keys()].filter(path =>
      path.split('/').some(part => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/.test(part)),
    ),
  'a file has 300 lines at most, a test 450': tree =>
    [...tree].flatMap(([path, text]) => {
      const lines = text.split('\n').length - 1
      return isSource(path) && lines > (path.startsWith('test/') ? 450 : 300) ? [`${path}: ${lines} lines`] : []
    }),
} satisfies Readonly<Record<string, Law>>
