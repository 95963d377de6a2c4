import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { commandFile, configMap, path, startWorkbench, type Workbench } from './workbench.ts'

let bench: Workbench
let server: Server
let asked: string[]
let url: string

beforeAll(async () => {
  bench = await startWorkbench()
  server = createServer((request, response) => {
    asked.push(`${request.headers.host}${request.url}`)
    response.end(configMap('fetched'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(() => {
  expect(bench.leftovers()).toEqual([])
})
afterAll(async () => {
  await bench.close()
  await new Promise((resolve) => server.close(resolve))
})

/** A PATH on which git, helm, docker and an exec plugin tell that they were called. */
function spies(): { PATH: string; calls: () => string } {
  const folder = join(bench.folder, 'spies')
  const log = join(bench.folder, 'calls')
  mkdirSync(folder, { recursive: true })
  for (const name of ['git', 'helm', 'docker', 'ssh', 'curl'])
    writeFileSync(join(folder, name), `#!/bin/sh\necho ${name} "$@" >> ${log}\nexit 1\n`, { mode: 0o755 })
  return { PATH: `${folder}:${path()}`, calls: () => (existsSync(log) ? readFileSync(log, 'utf8') : '') }
}

const remotes = () => [
  ...['resources', 'bases', 'components', 'generators', 'transformers', 'validators', 'Resources'].flatMap((key) =>
    [
      `${url}/x.yaml`,
      `${url}/repo.git`,
      'https://github.com/a/b//c?ref=v1',
      'github.com/a/b',
      'git@example.com:a/b.git',
      'git::ssh://x.example.com/a',
      'file:///etc',
      '../../../../../../etc',
    ].map((place) => ({ [key]: [place] })),
  ),
  ...['crds', 'configurations', 'patchesStrategicMerge'].map((key) => ({ [key]: [`${url}/x.yaml`] })),
  { patches: [{ path: `${url}/x.yaml` }] },
  { replacements: [{ path: `${url}/x.yaml` }] },
  { openapi: { path: `${url}/x.yaml` } },
  { configMapGenerator: [{ name: 'x', files: [`k=${url}/x.yaml`] }] },
  { secretGenerator: [{ name: 'x', envs: [`${url}/x.yaml`] }] },
  { resources: ['github.com'] },
]

describe('a hostile kustomization', () => {
  it('reaches no host and starts no git, whatever it names', async () => {
    asked = []
    const { PATH, calls } = spies()
    const cases = remotes()
    const local = { 'github.com/a/b/kustomization.yaml': '', 'github.com/kustomization.yaml': '' }
    bench.write({
      ...local,
      ...Object.fromEntries(cases.map((fields, at) => [`k${at}/kustomization.yaml`, JSON.stringify(fields)])),
      ...Object.fromEntries(cases.map((_, at) => [`k${at}/github.com/kustomization.yaml`, 'resources: []'])),
    })
    const { outputs, problems } = await bench.render(
      { render: 'kustomize', paths: cases.map((_, at) => `k${at}`) },
      { environment: { PATH } },
    )
    expect(outputs).toEqual([])
    expect(problems.map(({ reason }) => reason)).toEqual(cases.map(() => 'RemoteBase'))
    expect(asked).toEqual([])
    expect(calls()).toBe('')
  })

  it('runs no program, container or helm', async () => {
    const { PATH, calls } = spies()
    const canary = join(bench.folder, 'canary')
    const exec = `apiVersion: example.com/v1\nkind: Evil\nmetadata:\n  name: x\n  annotations:\n    config.kubernetes.io/function: "exec: {path: ./evil.sh}"\n`
    const evil = `#!/bin/sh\ntouch ${canary}\n`
    const cases: Record<string, string>[] = [
      { 'kustomization.yaml': 'helmCharts: [{name: a, repo: "https://example.com"}]' },
      { 'kustomization.yaml': 'HELMCHARTS: [{name: a}]\nhelmGlobals: {configHome: ./evil}' },
      { 'kustomization.yaml': 'helmChartInflationGenerator: [{chartName: a, chartHome: .}]' },
      { 'kustomization.yaml': 'generators: [evil.yaml]', 'evil.yaml': exec },
      { 'kustomization.yaml': 'transformers: [evil.yaml]', 'evil.yaml': exec },
      { 'kustomization.yaml': 'validators: [evil.yaml]', 'evil.yaml': exec },
      { 'kustomization.yaml': `generators: [${JSON.stringify(exec)}]` },
      {
        'kustomization.yaml': 'generators: [sub]',
        'sub/kustomization.yaml': 'resources: [evil.yaml]',
        'sub/evil.yaml': exec,
      },
      {
        'kustomization.yaml': 'generators: [h.yaml]',
        'h.yaml': 'apiVersion: builtin\nkind: HelmChartInflationGenerator\nmetadata: {name: x}\nname: a\n',
      },
    ]
    const files = cases.flatMap((one, at) =>
      Object.entries({ ...one, 'evil.sh': evil, 'sub/evil.sh': evil }).map(
        ([name, text]) => [`k${at}/${name}`, text] as const,
      ),
    )
    bench.write(Object.fromEntries(files))
    const { outputs, problems } = await bench.render(
      { render: 'auto', paths: cases.map((_, at) => `k${at}`) },
      { environment: { PATH }, remoteBases: true },
    )
    expect(outputs).toEqual([])
    expect(problems).toHaveLength(cases.length)
    expect(existsSync(canary)).toBe(false)
    expect(calls()).toBe('')
  })

  it('in a circle or too deep is refused', async () => {
    const deep = Object.fromEntries(
      Array.from({ length: 60 }, (_, at) => [`deep${at}/kustomization.yaml`, `resources: [../deep${at + 1}]`]),
    )
    // who followed each way would come by 2^30 folders
    const doubling = Object.fromEntries(
      Array.from({ length: 31 }, (_, at) => [
        `double${at}/kustomization.yaml`,
        at < 30 ? `components: [../double${at + 1}, ../double${at + 1}/]` : '',
      ]),
    )
    bench.write({
      'self/kustomization.yaml': 'resources: [.]',
      'a/kustomization.yaml': 'resources: [../b]',
      'b/kustomization.yaml': 'components: [../a]',
      ...deep,
      ...doubling,
    })
    const { problems } = await bench.render({ render: 'auto', paths: ['self', 'a', 'deep0', 'double0'] })
    expect(problems.map(({ message }) => message)).toEqual([
      expect.stringMatching(/circle: self → self/),
      expect.stringMatching(/circle: a → b → a/),
      expect.stringMatching(/deeper than 32/),
      expect.stringMatching(/more than 1000/),
    ])
  })

  it('gets to git only where remote bases are allowed, and then with no option of its own', async () => {
    const { PATH, calls } = spies()
    bench.write({
      'ok/kustomization.yaml': `resources: ["https://example.invalid/a/b//c?ref=v1"]`,
      'bad/kustomization.yaml': `resources: ["https://example.invalid/a/b//c?ref=--upload-pack=touch"]`,
    })
    const { problems } = await bench.render(
      { render: 'auto', paths: ['ok', 'bad'] },
      { environment: { PATH }, remoteBases: true },
    )
    expect(problems.map(({ reason }) => reason)).toEqual(['KustomizeFailed', 'KustomizeFailed'])
    expect(calls()).toMatch(/^git /)
    expect(calls()).not.toContain('upload-pack')
  })
})

describe('a repository that wants commands to be run', () => {
  it('gets nothing without --manifest-generation (hazard H9)', async () => {
    const canary = join(bench.folder, 'canary-h9')
    bench.write({
      '.flux.yaml': commandFile(`touch ${canary}`),
      'kustomization.yaml': `resources: [x.yaml]`,
      'x.yaml': configMap('x'),
      'patch.flux.yaml': commandFile(`touch ${canary}`),
    })
    await bench.render({ render: 'auto' })
    await bench.render({ render: 'kustomize' })
    await bench.render({})
    expect(existsSync(canary)).toBe(false)
  })
})
