import { Resolver } from 'node:dns'
import { type DnsblZone, distinctDomains } from '@sallyport/rules'
import type { Dnsbl } from '../config/config.ts'
import { type PointAnswer, readListedPoint, testPoints } from '../lookups/dnsbl-test.ts'
import { isAbsent, makeResolver } from '../lookups/resolver.ts'
import { Report } from './report.ts'
import { type Timed, timed } from './stopwatch.ts'

/** Addresses of records; null: there is no such name. Every other error of the DNS rejects. */
async function ask(servers: readonly string[], name: string, wait: number): Promise<readonly string[] | null> {
  const resolver = makeResolver(servers, wait)
  return new Promise((resolve, reject) => {
    resolver.resolve4(name, (error, addresses) => {
      if (error === null) resolve(addresses)
      else if (isAbsent(error)) resolve(null)
      else reject(error)
    })
  })
}

/** Resolvers that the operators of lists are known to refuse (their terms name the large public ones). */
const publicResolvers =
  /^(?:8\.8\.[48]\.[48]|1\.[01]\.[01]\.1|9\.9\.9\.\d+|149\.112\.112\.\d+|208\.67\.22[02]\.22[02])(?::53)?$/

/** Each name server by itself: where one of two is dead, every second look-up waits for nothing. */
export async function examineResolvers({ zones, resolvers, wait }: Dnsbl): Promise<Report> {
  const report = new Report('resolver')
  const servers = resolvers.length > 0 ? resolvers : new Resolver().getServers()
  const [zone] = zones
  const name = zone === undefined ? 'localhost' : `${testPoints.listed}.${zone.zone}`
  for (const server of servers) {
    const answer = await timed(() => ask([server], name, wait))
    if ('fault' in answer && /^(?:ECONNREFUSED|ETIMEOUT|ECANCELLED)$/.test(answer.fault)) {
      report.fail(
        server,
        `no answer (${answer.fault})`,
        answer.ms,
        'take it out, or see whether it runs and is let through',
      )
    } else if (zone !== undefined && publicResolvers.test(server)) {
      const advice =
        'lists do not answer the large public resolvers: run one of your own, and name it in dnsbl.resolvers'
      report.warn(server, 'it answers, and is a public one', answer.ms, advice)
    } else {
      report.ok(server, 'fault' in answer ? `it answers: ${answer.fault}` : 'it answers', answer.ms)
    }
  }
  return report
}

/**
 * The test points of every list: 127.0.0.2 must be listed and 127.0.0.1 must not (RFC 5782 5). A list that is dead, sold or
 * refuses to answer fails the first; one that lists everybody, the second.
 */
export async function examineLists({ zones, resolvers, wait }: Dnsbl): Promise<Report[]> {
  return Promise.all(
    distinctDomains(zones).map(async domain => {
      const readers = zones.filter(({ zone }) => zone === domain)
      // Not the domain, which may hold a key.
      const report = new Report(`list ${readers[0]?.name ?? ''}`)
      const listed = await timed(() => ask(resolvers, `${testPoints.listed}.${domain}`, wait))
      tellListed(report, readers, listed)
      const clean = await timed(() => ask(resolvers, `${testPoints.clean}.${domain}`, wait))
      tellClean(report, clean)
      return report
    }),
  )
}

type Answer = Timed<readonly string[] | null>

function tellListed(report: Report, readers: readonly DnsblZone[], answer: Answer): void {
  const point = '127.0.0.2'
  const { ms } = answer
  const found = readListedPoint(readers, pointOf(answer))
  const saw = 'fault' in answer ? answer.fault : (answer.value ?? []).join(' ')
  switch (found) {
    case 'listed':
      return report.ok(point, `listed: ${saw}`, ms)
    case 'no answer':
      return report.fail(point, `no answer (${saw})`, ms, 'see the resolvers; is the list alive?')
    case 'not listed': {
      const advice = 'the list is dead, or its name is wrong: take it out'
      return report.fail(point, 'not listed, as it must be (RFC 5782 5)', ms, advice)
    }
    case 'refuses': {
      const advice =
        'the list refuses this resolver: ask from one of your own (dnsbl.resolvers), or register with the list'
      return report.fail(point, saw, ms, advice)
    }
    case 'no list':
      return report.fail(point, saw, ms, 'that is no answer of a list: it is dead, was sold, or the resolver lies')
    case 'by other answers': {
      const advice = 'see whether the answers of the zone are right'
      return report.warn(point, `listed, but not by the answers that count: ${saw}`, ms, advice)
    }
    default:
      return found satisfies never
  }
}

const pointOf = (answer: Answer): PointAnswer =>
  'fault' in answer ? { fault: answer.fault } : { addresses: answer.value }

function tellClean(report: Report, answer: Answer): void {
  const point = '127.0.0.1'
  const { ms } = answer
  if ('fault' in answer)
    return report.fail(point, `no answer (${answer.fault})`, ms, 'see the resolvers; is the list alive?')
  if (answer.value === null) return report.ok(point, 'not listed', ms)
  const advice = 'the list lists everybody, or the resolver lies: take it out'
  report.fail(point, `listed, as it must not be (RFC 5782 5): ${answer.value.join(' ')}`, ms, advice)
}
