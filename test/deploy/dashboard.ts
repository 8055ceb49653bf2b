// The Grafana dashboard that operators load.

import { textOf } from './files.ts'

interface Panel {
  readonly id: number
  readonly title: string
  readonly description: string
  readonly datasource: { readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly refId: string; readonly expr: string }[]
}

export interface Dashboard {
  readonly uid: string
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] }
  readonly panels: readonly Panel[]
}

export async function readDashboard(): Promise<Dashboard> {
  return JSON.parse(await textOf('deploy/grafana/sallyport.json'))
}

/** What Grafana makes of an expression's variables: for all gates, and rates over the latest minute. */
export const asGrafana = (expr: string): string =>
  expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*')
