import { setTimeout as sleep } from 'node:timers/promises'
import { openStore } from '@sallyport/proxy/store/index.js'

/** Makes a Redis remember that mail of these clients was taken, for so many points of trust. */
export async function makeTrusted(port: number, clients: readonly string[], points = 12): Promise<void> {
  const log = { info() {}, warn() {} }
  const url = `redis://127.0.0.1:${port}`
  const options = {
    kind: 'redis',
    url,
    password: null,
    prefix: 'sallyport:',
    commandWait: 2_000,
    clients: 100,
  } as const
  const store = openStore(options, { log, now: () => Math.floor(Date.now() / 1000) })
  while (!store.health.up) await sleep(10)
  for (const client of clients) {
    store.remember(client, {
      passed: {},
      failed: {},
      repute: { score: -points, accepted: points, content: 0, unknown: 0 },
    })
  }
  await store.close()
}
