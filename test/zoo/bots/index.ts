import type { Bot } from '../animal.ts'
import { backscatter } from './backscatter.ts'
import { earlyTalker } from './early-talker.ts'
import { greylistIgnorer } from './greylist-ignorer.ts'
import { hammerer } from './hammerer.ts'
import { harvester } from './harvester.ts'
import { addressForger, localhostForger, ownNameForger } from './helo-forger.ts'
import { httpAbuser } from './http-abuser.ts'
import { impatient } from './impatient.ts'
import { noopFlooder } from './noop-flooder.ts'
import { pipeliner } from './pipeliner.ts'
import { slammer } from './slammer.ts'
import { slowloris } from './slowloris.ts'
import { smuggler } from './smuggler.ts'
import { snowshoe } from './snowshoe.ts'
import { starttlsInjector } from './starttls-injector.ts'

/** The bots of the zoo. A new one is a file in this folder and a line here, at the end: its address follows from its place. */
export const bots: readonly Bot[] = [
  slammer,
  earlyTalker,
  pipeliner,
  httpAbuser,
  harvester,
  impatient,
  ownNameForger,
  addressForger,
  localhostForger,
  greylistIgnorer,
  snowshoe,
  smuggler,
  hammerer,
  noopFlooder,
  starttlsInjector,
  backscatter,
  slowloris,
]
