// The bounds of decision records, and of the commands that read them.

import { key, own, proxy } from './bound.ts'
import type { Row } from './row.ts'

export const recordRows: readonly Row[] = [
  {
    what: 'How often a check of your own may be slow',
    bound: proxy('own-checks/guard.ts', 'mostSlow', 'count'),
    follows: 'it is silenced, and the log names it',
    source: own,
  },
  {
    what: 'A record',
    bound: proxy('decisions/decision-line.ts', 'longestLine', 'octets'),
    follows: 'its longest texts are cut',
    source: own,
  },
  {
    what: 'A file of records',
    bound: key('decisions.size'),
    follows: 'it gets the time as suffix, and the next begins',
    source: own,
  },
  { what: 'Files of records', bound: key('decisions.files'), follows: 'the oldest is removed', source: own },
  {
    what: 'Records that wait for a slow disk',
    bound: proxy('decisions/decision-file.ts', 'mostWaiting', 'octets'),
    follows: 'further ones are dropped, and counted',
    source: own,
  },
  {
    what: 'One write to the disk',
    bound: proxy('decisions/decision-file.ts', 'mostAtOnce', 'octets'),
    follows: 'the rest is written next',
    source: own,
  },
  {
    what: 'A line that `replay` reads',
    bound: proxy('replay/lines.ts', 'mostOfLine', 'octets'),
    follows: 'it counts as broken',
    source: own,
  },
  {
    what: 'Broken lines that `replay` tells one by one',
    bound: proxy('replay/replay.ts', 'mostBroken', 'count'),
    follows: 'the others are counted',
    source: own,
  },
  {
    what: 'Commands of a session whose delays `replay` adds up',
    bound: proxy('replay/replay.ts', 'mostCommands', 'count'),
    follows: 'further ones are taken to wait for nothing',
    source: own,
  },
  {
    what: 'Lines of a message or a flood that `try` shows',
    bound: proxy('try/scene.ts', 'mostLines', 'count'),
    follows: 'the others are left out',
    source: own,
  },
  {
    what: 'Octets that one escape of a script stands for',
    bound: proxy('try/script.ts', 'mostRepeated', 'octets'),
    follows: 'an error in the script',
    source: own,
  },
  {
    what: 'Inputs of one play of `try`',
    bound: proxy('try/stage.ts', 'mostTurns', 'count'),
    follows: 'the play ends',
    source: own,
  },
]
