import { recallScript, rememberScript } from './client-scripts.ts'
import { greyScript } from './grey-script.ts'
import { enterScript, tellScript } from './lease-script.ts'
import { peekScript } from './peek-script.ts'
import { rateScript } from './rate-script.ts'

/** Under which names the store calls them (RedisCommands). */
export const scripts = {
  recallClient: { lua: recallScript, numberOfKeys: 1, readOnly: true },
  meetGrey: { lua: greyScript, numberOfKeys: 1 },
  countRates: { lua: rateScript },
  peek: { lua: peekScript, numberOfKeys: 1, readOnly: true },
  rememberClient: { lua: rememberScript, numberOfKeys: 1 },
  enterNetwork: { lua: enterScript, numberOfKeys: 1 },
  tellNetwork: { lua: tellScript, numberOfKeys: 1 },
}
