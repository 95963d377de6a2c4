import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { printRef } from '../../src/domain/image/ref.ts'
import { readWorkloads } from '../../src/jobs/scan-image/workloads.ts'
import { createWorkbench, deployment, type Workbench } from './workbench.ts'

let bench: Workbench
beforeEach(async () => {
  bench = await createWorkbench()
})
afterEach(() => bench.close())

const kustomization = "resources: [web.yaml]\nimages: [{name: app, newTag: '2'}]\n"
const config = 'version: 1\ncommandUpdated:\n  generators:\n    - command: cat ../made.txt\n'

describe('the workloads of a source that was changed', () => {
  const given = {
    'a/web.yaml': deployment('app:1'),
    'a/kustomization.yaml': kustomization,
    'b/api.yaml': deployment('api:1', {}, 'api'),
    'c/.flux.yaml': config,
    'made.txt': deployment('made:1', {}, 'made'),
  }
  const [web, api, made] = ['default:deployment/web app:1', 'default:deployment/api api:1', 'deployment/made made:1']

  const read = async (commit: string, change: Partial<SourceSpec>, restarts = false): Promise<string[]> => {
    if (restarts) bench.restart()
    const { signal } = new AbortController()
    const workloads = await readWorkloads({ ...bench.spec, ...change }, { commit, scope: 'all' }, bench.deps, signal)
    return workloads.map(({ id, containers }) => `${id} ${containers.map(({ image }) => printRef(image)).join()}`)
  }

  const rows: [what: string, before: Partial<SourceSpec>, after: Partial<SourceSpec>, expected: string[]][] = [
    ['paths', { paths: ['a'] }, { paths: ['b'] }, [api]],
    ['what is left out', {}, { exclude: ['b'] }, [web]],
    ['the namespace of all', {}, { targetNamespace: 'shop' }, [web, api].map((id) => id.replace('default', 'shop'))],
    [
      'the namespace of those without',
      {},
      { defaultNamespace: 'x' },
      [web, api].map((id) => id.replace('default', 'x')),
    ],
    ['the namespaces that it may touch', {}, { allowedNamespaces: ['shop'] }, []],
    ['how it is built', {}, { render: 'kustomize' }, [web.replace('app:1', 'app:2'), api]],
    ['generators', { paths: ['c'] }, { paths: ['c'], generate: true }, [`default:${made}`]],
    [
      'the namespace of what generators print',
      { paths: ['c'], generate: true },
      { paths: ['c'], generate: true, targetNamespace: 'shop' },
      [`shop:${made}`],
    ],
  ]
  it.each(rows)('are others at the same commit: %s', async (_, before, after, expected) => {
    const commit = bench.push(given)
    await bench.scans()
    await read(commit, before)
    expect(await read(commit, after)).toEqual(expected)
    expect(await read(commit, before)).toEqual(await read(commit, before, true))
  })

  it('are others at the next commit, in files that it did not change', async () => {
    const commit = bench.push(given)
    await bench.scans()
    await read(commit, {})
    const next = bench.push({ 'd/new.yaml': deployment('new:1', {}, 'new') })
    await bench.scans()
    const moved = [web, api, 'default:deployment/new new:1'].map((id) => id.replace('default', 'shop'))
    expect(await read(next, { targetNamespace: 'shop' })).toEqual(moved)
  })

  it('are not read again where a sync was asked for', async () => {
    const commit = bench.push(given)
    await bench.scans()
    const { signal } = new AbortController()
    const at = { commit, scope: 'all' } as const
    const object = { uid: 'u', generation: 1, request: '' }
    const first = await readWorkloads({ ...bench.spec, object }, at, bench.deps, signal)
    const asked = { ...bench.spec, object: { ...object, generation: 2, request: 'now' } }
    expect(await readWorkloads(asked, at, bench.deps, signal)).toBe(first)
  })
})
