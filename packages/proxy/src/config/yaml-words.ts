import type { ErrorCode } from 'yaml'

/** Levels of nesting; the deepest key lies at the fifth. */
export const deepest = 64
export const tooDeep = `found more than ${deepest} levels of nesting: no key lies so deep`

const brackets = 'text that holds [ ] { } , # & * ! | > % @ or ": " needs quotes'
const closing = 'close what was opened with a quote, [ or {'

/** What is wrong with the YAML, and what would do. The package's own words cite the file, which may hold a password. */
export const syntax: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'found an anchor or a tag before an alias (*): an alias stands alone',
  BAD_ALIAS: 'found an alias (*) that is not one: put the text in quotes',
  BAD_COLLECTION_TYPE: 'found a tag (!) that does not fit: leave the tag out',
  BAD_DIRECTIVE: 'found a line that begins with % and is no directive: leave it out',
  BAD_DQ_ESCAPE: 'found a backslash escape that YAML does not know: write it in single quotes, or the backslash twice',
  BAD_INDENT: `wrong indentation: begin all keys of a section in the same column, and ${closing}`,
  BAD_PROP_ORDER: 'found an anchor or a tag in the wrong place: leave it out',
  BAD_SCALAR_START: `found a character that text cannot begin with: ${brackets}`,
  BLOCK_AS_IMPLICIT_KEY: 'found two keys in one line: write the second in a line of its own, or put the text in quotes',
  BLOCK_IN_FLOW: `found lines with "- " or keys inside [ ] or { }: ${closing}`,
  DUPLICATE_KEY: 'found a key a second time: keep one of them',
  IMPOSSIBLE: 'this is not YAML: write "key: value" lines',
  KEY_OVER_1024_CHARS: 'found a key of more than 1024 characters: write a colon and a space after the key',
  MISSING_CHAR: `something is missing here: write a colon and a space after a key, a comma between items, and ${closing}`,
  MULTILINE_IMPLICIT_KEY: 'found a key of several lines: write a colon and a space after the key, in the same line',
  MULTIPLE_ANCHORS: 'found two anchors (&) at one value: keep one',
  MULTIPLE_DOCS: 'found a second document (after ---): keep one in the file',
  MULTIPLE_TAGS: 'found two tags (!) at one value: leave them out',
  NON_STRING_KEY: 'found a key that is no plain word: write a name before the colon',
  RESOURCE_EXHAUSTION: tooDeep,
  TAB_AS_INDENT: 'found a tab in the indentation: use spaces',
  TAG_RESOLVE_FAILED: 'found a tag (!): leave it out, or put the text in quotes',
  UNEXPECTED_TOKEN: `this does not belong here: begin keys in the right column; ${brackets}`,
}
