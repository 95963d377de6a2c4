import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ImageAnswer } from '../../src/domain/image/answer.ts'
import { requestJobName } from '../../src/domain/work/request.ts'
import type { PolicyChange } from '../../src/domain/work/update-spec.ts'
import { updateImages } from '../../src/jobs/update-images/index.ts'
import { pushImage } from '../registry/push-image.ts'
import { createWorkbench, deployment, type Workbench } from './workbench.ts'

const web = 'default:deployment/web'
const automatedSemver = { 'fluxcd.io/automated': 'true', 'fluxcd.io/tag.app': 'semver:~1' }
let bench: Workbench

beforeEach(async () => {
  bench = await createWorkbench({ generate: true, paths: ['deploy'] })
  for (const tag of ['1.0.0', '1.0.1']) await pushImage(bench.host, `${bench.path}/app`, tag)
  await bench.cluster.create({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
  })
})
afterEach(() => bench.close())

const app = (tag: string) => `${bench.images}/app:${tag}`

async function policy(change: Partial<PolicyChange>): Promise<ImageAnswer | undefined> {
  const { namespace, name } = bench.spec
  const cause = { Message: '', User: 'Ann <ann@example.com>' }
  const spec = { [web]: { add: {}, remove: {}, ...change } }
  const ask = { kind: 'update-images', update: { type: 'policy', cause, spec } } as const
  const request = await bench.deps.requests.put({ namespace, name, by: 'Ann', ask })
  const payload = { kind: ask.kind, namespace, name: requestJobName(request), reason: 'test', requestedAt: '' }
  await updateImages(payload, bench.deps, new AbortController().signal)
  return await bench.deps.requests.answer(request.id)
}

const summaryOf = (outcome: unknown) => (outcome as { summary: string }).summary

describe('a target with patchUpdated', () => {
  const config =
    'version: 1\npatchUpdated:\n  generators:\n    - command: cat ../base/web.yaml\n  patchFile: flux-patch.yaml\n'
  const patch = (image: string) =>
    `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          image: ${image}\n`

  it('gets new images by its patch file, and what the generators read stays', async () => {
    const manifests = deployment(app('1.0.0'), automatedSemver)
    bench.push({ 'deploy/.flux.yaml': config, 'base/web.yaml': manifests })
    expect(summaryOf(await bench.update())).toMatch(/^commit .*deployment\/web app: .*1\.0\.0 → 1\.0\.1/)
    expect(bench.file('deploy/flux-patch.yaml')).toBe(patch(app('1.0.1')))
    expect(bench.file('base/web.yaml')).toBe(manifests)
    expect(summaryOf(await bench.update())).toMatch(/^nothing to change/)
  })

  it('keeps what people wrote into the patch file', async () => {
    bench.push({
      'deploy/.flux.yaml': config,
      'base/web.yaml': deployment('other:1', automatedSemver),
      'deploy/flux-patch.yaml': `# ours\n${patch(app('1.0.0'))}          tty: true # for ana\n`,
    })
    await bench.update()
    expect(bench.file('deploy/flux-patch.yaml')).toBe(`# ours\n${patch(app('1.0.1'))}          tty: true # for ana\n`)
  })

  it('gets policies by its patch file, and loses those that the generators print', async () => {
    bench.push({
      'deploy/.flux.yaml': config,
      'base/web.yaml': deployment(app('1.0.0'), { 'fluxcd.io/automated': 'true' }),
    })
    const answer = await policy({ add: { 'tag.app': 'glob:1.*' }, remove: { automated: 'true' } })
    expect(answer?.result).toEqual({ [web]: { Status: 'success' } })
    expect(bench.file('deploy/flux-patch.yaml')).toBe(
      'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations:\n    fluxcd.io/tag.app: glob:1.*\n    fluxcd.io/automated: null\n',
    )
  })

  it('is refused where the patch would have no effect', async () => {
    const twice = config.replace('cat ../base/web.yaml', 'cat ../base/web.yaml flux-patch.yaml 2> /dev/null || true')
    const manifests = deployment(app('1.0.0'), automatedSemver)
    bench.push({
      'deploy/.flux.yaml': twice,
      'base/web.yaml': manifests,
      'deploy/flux-patch.yaml': `${manifests}---\nx: [`,
    })
    expect(summaryOf(await bench.update())).toMatch(/^nothing to change/)
    expect(bench.subjects()).toEqual(['change'])
  })
})

describe('a target with commandUpdated', () => {
  const config = (image: string, change = 'sed -i "s/@POLICY@/$FLUX_POLICY=$FLUX_POLICY_VALUE/" notes.txt') =>
    `version: 1\ncommandUpdated:\n  generators:\n    - command: cat web.tpl\n  updaters:\n    - containerImage:\n        command: ${JSON.stringify(image)}\n      policy:\n        command: ${JSON.stringify(change)}\n`
  const writes = 'sed -i "s|image: .*$|image: $FLUX_IMG:$FLUX_TAG|" web.tpl && env | cut -d= -f1 | sort > seen.txt'

  it('runs its updaters, which see PATH and their own variables, and commits what they change', async () => {
    bench.push({
      'deploy/.flux.yaml': config(writes),
      'deploy/web.tpl': deployment(app('1.0.0'), automatedSemver),
      'deploy/.gitignore': '*.log\n',
    })
    expect(summaryOf(await bench.update())).toMatch(/^commit .*1\.0\.0 → 1\.0\.1/)
    expect(bench.file('deploy/web.tpl')).toContain(`image: ${app('1.0.1')}`)
    const names = ['WORKLOAD', 'WL_NS', 'WL_KIND', 'WL_NAME', 'CONTAINER', 'IMG', 'TAG'].map((name) => `FLUX_${name}`)
    const seen = bench.file('deploy/seen.txt').trim().split('\n')
    expect(seen.filter((name) => !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name))).toEqual(
      [...names, 'PATH'].toSorted(),
    )
    expect(summaryOf(await bench.update())).toMatch(/^nothing to change/)
  })

  it('runs its policy commands for each policy', async () => {
    bench.push({
      'deploy/.flux.yaml': config(writes),
      'deploy/web.tpl': deployment(app('1.0.0'), {}),
      'deploy/notes.txt': '@POLICY@\n',
    })
    expect(await policy({ add: { locked: 'true' } })).toMatchObject({
      state: 'done',
      result: { [web]: { Status: 'success' } },
    })
    expect(bench.file('deploy/notes.txt')).toBe('locked=true\n')
  })

  it.each([
    ['fails', 'echo broken >&2; exit 3', /the updater '.*' failed in deploy: .*broken/],
    ['changes nothing that git has', 'echo x > new.log', /changed no file/],
    ['writes through a link', 'echo x > link/file', /lies behind a link/],
  ])('commits nothing where an updater %s, and says so', async (_what, command, why) => {
    bench.push({
      'deploy/.flux.yaml': config(command),
      'deploy/web.tpl': deployment(app('1.0.0'), automatedSemver),
      'deploy/.gitignore': '*.log\n',
      'elsewhere/file': 'y\n',
    })
    bench.link('deploy/link', '../elsewhere')
    expect(summaryOf(await bench.update())).toMatch(why)
    expect(bench.subjects()).toEqual(['link', 'change'])
  })

  it('is refused without updaters', async () => {
    const none = 'version: 1\ncommandUpdated:\n  generators:\n    - command: cat web.tpl\n'
    bench.push({ 'deploy/.flux.yaml': none, 'deploy/web.tpl': deployment(app('1.0.0'), automatedSemver) })
    expect(summaryOf(await bench.update())).toMatch(
      /NotEditable: deploy\/\.flux\.yaml has no updater with a containerImage command/,
    )
  })
})
