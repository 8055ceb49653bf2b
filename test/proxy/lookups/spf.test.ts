import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Inquiries } from '@sallyport/proxy/lookups/inquiries.js'
import { dnsForm, SpfLookup, type SpfSubject } from '@sallyport/proxy/lookups/spf.js'
import { type DnsInquiry, inquireSender, type SenderDomain, type SpfFinding } from '@sallyport/rules'
import { addressOf } from '../../support/address.ts'
import { type DnsReply, DnsServer, Held } from '../../support/dns.ts'
import { stopwatch } from '../../support/stopwatch.ts'

const records = (...data: string[]): DnsReply => ({ kind: 'records', ttl: 60, data })
const client = addressOf('192.0.2.7')

type Answers = Record<string, DnsReply | Promise<DnsReply>>

const faults: unknown[] = []
const noteFault = (fault: unknown) => {
  faults.push(fault)
}

async function withServer<T>(answers: Answers, run: (address: string, queries: string[]) => Promise<T>): Promise<T> {
  const queries: string[] = []
  const server = await DnsServer.start(({ name, type }) => {
    queries.push(`${type} ${name}`)
    return answers[`${type} ${name}`] ?? { kind: 'nxdomain' }
  })
  try {
    return await run(server.address, queries)
  } finally {
    await server.stop()
  }
}

async function played(
  answers: Answers,
  run: (ask: (subject: SpfSubject) => Promise<SpfFinding>, queries: string[], lookup: SpfLookup) => Promise<void>,
  wait = 2000,
): Promise<void> {
  await withServer(answers, async (address, queries) => {
    const lookup = new SpfLookup({ resolvers: [address], wait }, 'mx.example.test', noteFault)
    try {
      await run(subject => new Promise(resolve => lookup.ask(client, subject, resolve)), queries, lookup)
    } finally {
      lookup.stop()
    }
  })
}

const subject = { sender: 'user@example.org', hello: 'mail.example.net' }

describe('SPF by the DNS', () => {
  it('is asked with every kind of question', () =>
    played(
      {
        'TXT example.org': records('unheard of', 'v=spf1 a mx| ptr inclu|de:other.example -all exp=why.example.org'),
        'A example.org': { kind: 'nodata' },
        'MX example.org': records('20 b.example', '10 a.example'),
        'A a.example': records('198.51.100.1'),
        'A b.example': records('198.51.100.2'),
        'PTR 7.2.0.192.in-addr.arpa': records('host.example.com'),
        'A host.example.com': records('192.0.2.7'),
        'TXT other.example': records('v=spf1 exists:%{h}.%{d} ?all'),
        'TXT why.example.org': records('No mail |from %{c}.'),
      },
      async (ask, queries) => {
        assert.deepEqual(await ask(subject), {
          result: 'fail',
          domain: 'example.org',
          identity: 'mailfrom',
          mechanism: '-all',
          problem: null,
          explanation: 'No mail from 192.0.2.7.',
        })
        assert.deepEqual(queries, [
          'TXT example.org',
          'A example.org',
          'MX example.org',
          'A a.example',
          'A b.example',
          'PTR 7.2.0.192.in-addr.arpa',
          'A host.example.com',
          'TXT other.example',
          'A mail.example.net.other.example',
          'TXT why.example.org',
        ])
      },
    ))

  it('is HELO’s where the sender is null', () =>
    played({ 'TXT mail.example.net': records('v=spf1 ip4:192.0.2.0/24 -all') }, async ask => {
      const { result, domain, identity } = await ask({ sender: '', hello: 'mail.example.net' })
      assert.deepEqual([result, domain, identity], ['pass', 'mail.example.net', 'helo'])
    }))

  it('takes a domain in UTF-8 for what it is in the DNS', () =>
    played({ 'TXT xn--bcher-kva.example': records('v=spf1 -all') }, async ask => {
      const sender = Buffer.from('ü@bücher.example').toString('latin1')
      const { result, domain } = await ask({ sender, hello: '' })
      assert.deepEqual([result, domain], ['fail', 'xn--bcher-kva.example'])
      assert.equal(dnsForm('\xff\xfe'), '\xff\xfe')
    }))

  it('takes a name that no resolver asks about for one that is not there', () =>
    played({ 'TXT example.org': records('v=spf1 exists:%{l}.x.example -all') }, async (ask, queries) => {
      assert.equal((await ask({ sender: 'a=b c@example.org', hello: '' })).result, 'fail')
      assert.deepEqual(queries, ['TXT example.org'])
    }))

  it('is an error of the moment without an answer', () =>
    played({ 'TXT example.org': { kind: 'servfail' } }, async ask => {
      assert.equal((await ask(subject)).result, 'temperror')
    }))

  it('ends with the wait, with what has been answered by then', async () => {
    const never = new Held<DnsReply>()
    const answers = {
      'TXT example.org': records('v=spf1 mx -all'),
      'MX example.org': records('10 a.example', '20 b.example'),
      'A a.example': never.promise,
      'A b.example': records('192.0.2.7'),
      'TXT slow.example': never.promise,
    }
    await played(
      answers,
      async ask => {
        const [started, took] = [performance.now(), stopwatch()]
        const told = await Promise.all([ask(subject), ask({ ...subject, sender: 'u@slow.example' })])
        const waited = performance.now() - started
        assert.ok(waited >= 195, `${waited} ms`)
        assert.ok(took() < 500, `${took()} ms`)
        assert.deepEqual(
          told.map(({ result }) => result),
          ['pass', 'temperror'],
        )
      },
      200,
    )
  })

  it('ends with the wait for all questions together', async () => {
    const late = new Held<DnsReply>()
    const answers = { 'TXT example.org': late.promise, 'A silent.example': new Held<DnsReply>().promise }
    await played(
      answers,
      async ask => {
        const [started, took] = [performance.now(), stopwatch()]
        setTimeout(() => late.release(records('v=spf1 exists:silent.example -all')), 700)
        assert.equal((await ask(subject)).result, 'temperror')
        const waited = performance.now() - started
        assert.ok(waited >= 995, `${waited} ms`)
        assert.ok(took() < 1500, `${took()} ms`)
      },
      1000,
    )
  })

  it('asks no more behind the wait', async () => {
    const answers = {
      'TXT example.org': records('v=spf1 ptr a:other.example -all'),
      'PTR 7.2.0.192.in-addr.arpa': new Held<DnsReply>().promise,
    }
    await played(
      answers,
      async (ask, queries) => {
        assert.equal((await ask(subject)).result, 'temperror')
        await ask({ sender: '', hello: 'mail.example.net' })
        assert.deepEqual(queries, ['TXT example.org', 'PTR 7.2.0.192.in-addr.arpa', 'TXT mail.example.net'])
      },
      200,
    )
  })

  it('is a fail although the explanation does not come', async () => {
    const never = new Held<DnsReply>()
    const answers = { 'TXT example.org': records('v=spf1 -all exp=why.example'), 'TXT why.example': never.promise }
    await played(answers, async ask => assert.equal((await ask(subject)).result, 'fail'), 200)
  })

  it('is asked once for all who ask the same at the same time', () =>
    played({ 'TXT example.org': records('v=spf1 -all') }, async (ask, queries) => {
      await Promise.all([ask(subject), ask(subject), ask(subject)])
      assert.equal(queries.length, 1)
      await Promise.all([ask(subject), ask({ ...subject, hello: 'other.example' })])
      assert.equal(queries.length, 3)
    }))

  it('has failed at once for the one too many, and for everybody after a stop', async () => {
    const silent = new Held<DnsReply>()
    const answers = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`TXT d${i}.example`, silent.promise]))
    await played(answers, async (ask, queries, lookup) => {
      const waiting = Array.from({ length: 500 }, (_, i) => ask({ sender: `u@d${i}.example`, hello: '' }))
      let told = 0
      for (const one of waiting) one.then(() => told++)
      assert.equal((await ask(subject)).result, 'temperror')
      assert.equal(told, 0)
      assert.ok(!queries.includes('TXT example.org'))
      lookup.stop()
      assert.deepEqual(new Set((await Promise.all(waiting)).map(({ result }) => result)), new Set(['temperror']))
    })
  })
})

describe('an inquiry', () => {
  it('answers nobody before it has returned, even one that asks nothing', () =>
    withServer({}, async address => {
      const inquiries = new Inquiries<SenderDomain>({ resolvers: [address], wait: 500 }, noteFault)
      let hasReturned = false
      const told = new Promise<boolean>(resolve => {
        inquiries.ask(
          'a',
          () => inquireSender('a..b'),
          () => resolve(hasReturned),
        )
      })
      hasReturned = true
      assert.equal(await told, true)
    }))

  it('that throws is our own fault, is told as such, and makes room', () =>
    withServer({}, async address => {
      function* broken(): DnsInquiry<SenderDomain> {
        yield [{ type: 'A', name: 'a.example' }]
        throw new Error('broken')
      }
      const thrown = await new Promise<unknown>(resolve => {
        const inquiries = new Inquiries<SenderDomain>({ resolvers: [address], wait: 500 }, fault => {
          inquiries.ask(
            'a',
            () => inquireSender('b.example'),
            found => resolve([fault, found]),
          )
        })
        inquiries.ask('a', broken, () => resolve('answered'))
      })
      assert.deepEqual(thrown, [new Error('broken'), 'none'])
    }))

  it('has come to no fault above', () => assert.deepEqual(faults, []))
})
