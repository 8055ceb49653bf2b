import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { startSink } from '../support/sink.ts'
import { startHere } from './here.ts'

const pause = 500

/** A client that talks `early` ms after the teaser, or when it is its turn (-1); gives what it was told. */
async function talk(t: TestContext, port: number, address: string, early: number, held: boolean): Promise<string> {
  const worker = new Worker(new URL('./talker.js', import.meta.url), { workerData: { port, address, early } })
  t.after(() => worker.terminate())
  assert.deepEqual(await once(worker, 'message'), ['teased'])
  // From a turn's last phase: the next one begins with the timers, before anything is read (libuv's design overview).
  if (held) setTimeout(() => setImmediate(hold), pause - 150)
  const [{ heard }] = await once(worker, 'message')
  return heard
}

/** Holds the event loop for 300 ms, from 150 ms before the greeting is due to 150 ms after. */
function hold(): void {
  for (const end = performance.now() + 300; performance.now() < end; );
}

for (const held of [false, true]) {
  test(`who talks before its turn is told from who does not${held ? ', though the event loop is held over the greeting' : ''}`, async t => {
    const sink = await startSink(t, { proxy: true })
    const gate = await startHere(t, `backend: 127.0.0.1:${sink.port}\ngreet: { wait: ${pause}ms }`)
    const honest = await talk(t, gate.port, '127.0.3.1', -1, held)
    assert.match(honest, /^220-[^\n]+\n220 [^\n]+\n250-.*\n250 2\.1\.5 Ok\r\n221 /s)
    // In time for the greeting, and read only after it was due where the loop is held.
    const early = await talk(t, gate.port, '127.0.3.2', pause - 60, held)
    assert.match(early, /^220-[^\n]+\n220 [^\n]+\n250-.*\n450 4\.5\.1 /s)
    assert.match(String(gate.lines.at(-1)?.msg), /^deferred: pregreet, \d+ octets/)
  })
}
