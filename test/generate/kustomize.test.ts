import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parseManifests } from '../../src/domain/manifest/parse.ts'
import type { Rendered } from '../../src/jobs/sync-source/render.ts'
import { configMap, startWorkbench, type Workbench } from './workbench.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await startWorkbench()
})
afterEach(() => {
  expect(bench.leftovers()).toEqual([])
})
afterAll(() => bench.close())

const names = ({ outputs }: Rendered) =>
  outputs.flatMap(({ file, text }) => parseManifests({ file, text }).objects.map(({ object }) => object.metadata.name))

const overlays = {
  'base/kustomization.yaml': 'resources: [map.yaml]\n',
  'base/map.yaml': configMap('app'),
  'staging/kustomization.yml': 'namePrefix: staging-\nresources: [../base]\n',
  'production/Kustomization': 'namePrefix: production-\nresources: [../base]\n',
  'plain/x.yaml': configMap('x'),
  'plain/sub/kustomization.yaml': 'resources: []\n',
}

describe('folders with a kustomization', () => {
  it('are built and not read plain as well; others are read plain', async () => {
    bench.write(overlays)
    const rendered = await bench.render({ render: 'auto', paths: ['staging', 'plain', 'production/', 'staging/.'] })
    expect(rendered).toMatchObject({ plainPaths: ['plain'], problems: [], warnings: [] })
    expect(rendered.outputs.map(({ file }) => file)).toEqual(['staging/kustomization.yml', 'production/Kustomization'])
    expect(names(rendered)).toEqual(['staging-app', 'production-app'])
  })

  it('below a path do not count, at the root of the repository neither', async () => {
    bench.write(overlays)
    expect(await bench.render({ render: 'auto' })).toMatchObject({ plainPaths: undefined, outputs: [], problems: [] })
    bench.write({ ...overlays, 'kustomization.yaml': 'resources: [staging]\n' })
    const rendered = await bench.render({ render: 'auto' })
    expect(rendered.plainPaths).toEqual([])
    expect(names(rendered)).toEqual(['staging-app'])
  })

  it('must be there when kustomize is asked for; the other paths go on', async () => {
    bench.write(overlays)
    const rendered = await bench.render({
      render: 'kustomize',
      paths: ['plain', 'staging', 'production/Kustomization'],
    })
    expect(rendered.problems).toMatchObject([{ reason: 'KustomizeFailed', file: 'plain' }])
    expect(rendered.plainPaths).toEqual([])
    expect(names(rendered)).toEqual(['staging-app', 'production-app'])
  })

  it('are left to .flux.yaml alone where generation is on', async () => {
    bench.write(overlays)
    const rendered = await bench.render({ render: 'auto', generate: true, paths: ['staging'] })
    expect(rendered).toMatchObject({ plainPaths: undefined, outputs: [] })
  })

  it('that are missing are left to those who read plain files, who say so', async () => {
    bench.write(overlays)
    expect(await bench.render({ render: 'kustomize', paths: ['gone'] })).toMatchObject({
      plainPaths: undefined,
      problems: [],
    })
  })

  it('that cannot be built are a problem with what kustomize says', async () => {
    bench.write({ ...overlays, 'staging/kustomization.yml': 'resources: [../base/map.yaml, ../base]\nnosuch: 1\n' })
    const rendered = await bench.render({ render: 'auto', paths: ['staging', 'production'] })
    expect(rendered.problems).toEqual([
      {
        reason: 'KustomizeFailed',
        file: 'staging/kustomization.yml',
        line: 0,
        message: expect.stringMatching(/^kustomize build failed: exit code 1: Error: .*nosuch/),
      },
    ])
    expect(rendered.problems[0]?.message).not.toContain(bench.folder)
    expect(names(rendered)).toEqual(['production-app'])
  })

  it('may load files from their own folder only, and folders from the whole repository', async () => {
    bench.write({ ...overlays, 'staging/kustomization.yml': 'resources: [../base/map.yaml]\n' })
    const { problems } = await bench.render({ render: 'auto', paths: ['staging'] })
    expect(problems[0]?.message).toMatch(/security; file .* is not in or below/)
  })

  it('need the program', async () => {
    bench.write(overlays)
    const { problems } = await bench.render(
      { render: 'auto', paths: ['staging'] },
      { kustomizeBinary: 'no-such-kustomize' },
    )
    expect(problems[0]?.message).toMatch(/no-such-kustomize is not there; install kustomize 5/)
  })
})
