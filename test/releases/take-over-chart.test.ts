import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

const app = {
  'charts/app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\nappVersion: "1"\n',
  'charts/app/values.yaml': 'color: red\n',
  'charts/app/templates/config.yaml': `${template}  app: {{ .Chart.AppVersion | quote }}\n`,
}
const map = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-${name}"}\ndata: {value: ${value}}\n`
const withSubchart = (value: string) => ({
  ...app,
  'charts/app/charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 0.1.0\n',
  'charts/app/charts/sub/templates/a.yaml': map('sub', value),
})
const atRandom = { ...app, 'charts/app/templates/random.yaml': map('random', '{{ randAlphaNum 8 | quote }}') }
const ignored = { ...app, 'charts/app/.helmignore': 'ci/\n', 'charts/app/ci/values.yaml': 'color: green\n' }

/** A chart in git keeps its version while it changes; helm stores neither subcharts nor what it ignores. */
describe('a release whose chart changed under its version while nobody looked', () => {
  let bench: ReleaseBench
  const directory = mkdtempSync(join(tmpdir(), 'capstan-rel-charts-'))

  beforeAll(async () => {
    bench = await createReleaseBench()
  })

  afterAll(async () => {
    await bench.close()
    rmSync(directory, { recursive: true, force: true })
  })

  /** As the Helm Operator left it, from another commit. */
  async function byOperator(name: string, files: Record<string, string>): Promise<void> {
    for (const [path, text] of Object.entries(files)) {
      const file = join(directory, name, path)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
    await bench.helm('install', name, join(directory, name, 'charts/app'))
  }

  it.each([
    ['new-template', 'has a template more', app, { ...app, 'charts/app/templates/new.yaml': map('new', 'one') }],
    ['no-template', 'has a template less', { ...app, 'charts/app/templates/old.yaml': map('old', 'one') }, app],
    ['sub', 'has another subchart', withSubchart('one'), withSubchart('two')],
    [
      'sub-values',
      'has other values of a subchart',
      withSubchart('{{ .Values.x | default 1 | quote }}'),
      {
        ...withSubchart('{{ .Values.x | default 1 | quote }}'),
        'charts/app/charts/sub/values.yaml': 'x: 2\n',
      },
    ],
    [
      'app-version',
      'has another appVersion',
      app,
      {
        ...app,
        'charts/app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\nappVersion: "2"\n',
      },
    ],
  ])('%s: upgrades once where the chart %s', async (name, _what, before, now) => {
    await byOperator(name, before)
    bench.commit(name.padEnd(40, '0'), now)
    await bench.put(name, { releaseName: name, chart: { git: `https://git.example/${name}`, path: 'charts/app' } })
    bench.helmRuns()
    for (let look = 0; look < 3; look++) expect(await bench.sync(name)).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual(['upgrade'])
  })

  it.each([
    ['same-sub', 'with a subchart', withSubchart('one')],
    ['same-ignored', 'with files that helm ignores', ignored],
    ['same-random', 'that renders something else each time, and no more than helm stored', atRandom],
  ])('%s: makes no revision of the same chart %s', async (name, _what, files) => {
    await byOperator(name, files)
    bench.commit(name.padEnd(40, '0'), files)
    await bench.put(name, { releaseName: name, chart: { git: `https://git.example/${name}`, path: 'charts/app' } })
    bench.helmRuns()
    for (let look = 0; look < 3; look++) expect(await bench.sync(name)).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual([])
  })
})
