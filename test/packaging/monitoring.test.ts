import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createMetrics } from '../../src/adapters/metrics/index.ts'
import { chart, objectsOf, render, valuesFile } from './chart.ts'

type Rules = {
  groups: { name: string; rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[]
}
type Dashboard = { panels: { title: string; targets: { expr: string }[] }[] }
/** Labels of a metric with the values that were seen. */
type Labels = Map<string, Set<string>>

const alerts = (parse(readFileSync(join(chart, 'files/alerts.yaml'), 'utf8')) as Rules).groups.flatMap(
  ({ rules }) => rules,
)
const { panels } = JSON.parse(readFileSync(join(chart, 'dashboards/capstan.json'), 'utf8')) as Dashboard
const queries: [string, string][] = [
  ...alerts.map(({ alert, expr }): [string, string] => [alert, expr]),
  ...panels.flatMap(({ title, targets }) => targets.map(({ expr }): [string, string] => [title, expr])),
]

/** What Prometheus adds to every series. */
const added = new Set(['le', 'pod', 'namespace', 'job', 'instance'])
const words = new Set(['by', 'or', 'and', 'on', 'vector', 'without', 'unless'])

let exported: Map<string, Labels>

/** Everything that the program exports once each kind of thing has happened, by name of the series. */
async function readExported(): Promise<Map<string, Labels>> {
  const metrics = createMetrics()
  const named = { namespace: 'a', name: 'b' }
  for (const outcome of ['done', 'again', 'failed'] as const)
    metrics.jobEnded({ kind: 'update-images', outcome, seconds: 1, waitedSeconds: 1, isFlux: true })
  for (const success of [true, false]) {
    metrics.syncEnded({ ...named, success, seconds: 1, changes: [{ action: 'created' }], objects: 1, isFlux: true })
    metrics.releaseEnded({ targetNamespace: 'a', release: 'c', success, seconds: 1, action: 'sync' })
  }
  metrics.answered({ method: 'GET', route: '/readyz', status: 200, seconds: 0 })
  metrics.gitReady(true)
  const counts = { 'sync-source': { waiting: 1, active: 1, delayed: 1, completed: 1, failed: 1 } }
  metrics.watchQueue(async () => ({ counts, oldestWaitMs: { 'sync-source': 1 }, lanes: {}, fluxWaiting: 0 }))
  const conditions = ['Released', 'RolledBack', 'Deployed'].map((type) => ({ type, status: 'True' }))
  metrics.watchReleases(async () => [{ targetNamespace: 'a', release: 'c', conditions }])
  const found = new Map<string, Labels>()
  for (const line of (await metrics.text()).text.split('\n')) {
    const [, name = '', text = ''] = /^([a-z_]+)(?:\{(.*)\})? /.exec(line) ?? []
    if (!name || line.startsWith('#')) continue
    const labels = found.get(name) ?? new Map<string, Set<string>>()
    found.set(name, labels)
    for (const [, label = '', value = ''] of text.matchAll(/(\w+)="([^"]*)"/g))
      labels.set(label, (labels.get(label) ?? new Set()).add(value))
  }
  return found
}

/** Selectors of a query: a metric with what is asked of its labels; and the labels that sums are grouped by. */
function read(query: string): { series: { name: string; asked: [string, string][] }[]; grouped: string[] } {
  const bare = query.replaceAll(/\[\w+\]/g, '')
  const grouped = [...bare.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(',').map((one) => one.trim()),
  )
  const plain = bare.replaceAll(/\bby \([^)]*\)/g, '')
  const series = [...plain.matchAll(/\b([a-z_]{2,})\b(?!\s*\()(?:\{([^}]*)\})?(?![^{]*\})/g)]
    .filter(([, name = '']) => !words.has(name))
    .map(([, name = '', text = '']) => ({
      name,
      asked: [...text.matchAll(/(\w+)=~?"([^"]*)"/g)].flatMap(([, label = '', value = '']) =>
        value.split('|').map((one): [string, string] => [label, one]),
      ),
    }))
  return { series, grouped }
}

beforeAll(async () => {
  exported = await readExported()
})

describe.each(queries)('the query of %s', (_name, query) => {
  it('asks for what /metrics has', () => {
    const { series, grouped } = read(query)
    expect(series.length).toBeGreaterThan(0)
    for (const { name, asked } of series) {
      const labels = exported.get(name) ?? expect.fail(`${name} is not exported`)
      for (const [label, value] of asked) expect([...(labels.get(label) ?? [])], `${name}{${label}}`).toContain(value)
      for (const label of grouped) expect(added.has(label) || labels.has(label), `${name} by ${label}`).toBe(true)
    }
  })
})

describe('what reads the queries', () => {
  it('is told of a name and of a label that are not there', () => {
    expect(read('sum by (kind) (rate(capstan_jobs{state=~"a|b"}[5m])) > 3 or vector(0)')).toEqual({
      series: [
        {
          name: 'capstan_jobs',
          asked: [
            ['state', 'a'],
            ['state', 'b'],
          ],
        },
      ],
      grouped: ['kind'],
    })
  })
})

describe('monitoring', () => {
  it('names only labels of the query in texts of alerts', () => {
    for (const { expr, annotations } of alerts) {
      const { grouped } = read(expr)
      const used = Object.values(annotations).flatMap((text) =>
        [...text.matchAll(/\$labels\.(\w+)/g)].map(([, one]) => one),
      )
      for (const label of used) expect(grouped).toContain(label)
    }
  })

  it('leaves alerts about git out where there is no repository', async () => {
    const groups = async (...args: string[]) => {
      const objects = objectsOf(await render('x', '--set', 'prometheus.rules.create=true', ...args))
      const rule = objects.find(({ kind }) => kind === 'PrometheusRule') ?? expect.fail('no PrometheusRule')
      return (rule.spec as Rules).groups.map(({ name }) => name)
    }
    expect(await groups()).toEqual(['capstan'])
    expect(await groups('--set', 'git.url=https://a.example/b')).toEqual(['capstan', 'capstan-git'])
  })

  it('scrapes every pod once', async () => {
    const objects = objectsOf(await render('x', '--values', valuesFile('split')))
    const monitor = objects.find(({ kind }) => kind === 'ServiceMonitor') ?? expect.fail('no ServiceMonitor')
    const { matchLabels } = (monitor.spec as { selector: { matchLabels: Record<string, string> } }).selector
    const services = objects.filter(
      ({ kind, metadata }) =>
        kind === 'Service' && Object.entries(matchLabels).every(([key, value]) => metadata.labels?.[key] === value),
    )
    expect(services.map(({ metadata }) => metadata.name)).toEqual(['capstan-metrics'])
  })

  it('asks KEDA’s Prometheus for the jobs that wait or run', async () => {
    const objects = objectsOf(await render('x', '--values', valuesFile('split')))
    const scaled = objects.find(({ kind }) => kind === 'ScaledObject') ?? expect.fail('no ScaledObject')
    const [trigger] = (scaled.spec as { triggers: { metadata: { query: string } }[] }).triggers
    const { series, grouped } = read(trigger?.metadata.query ?? '')
    expect(grouped).toEqual(['kind', 'state'])
    expect(series).toEqual([
      {
        name: 'capstan_queue_jobs',
        asked: [
          ['namespace', 'x'],
          ['state', 'waiting'],
          ['state', 'active'],
        ],
      },
    ])
  })
})
