import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Event } from '../../src/domain/event/event.ts'
import { requestJobName } from '../../src/domain/work/request.ts'
import type { UpdateSpec } from '../../src/domain/work/update-spec.ts'
import { eventStream } from '../../src/domain/event/stored.ts'
import { createHistory } from '../../src/jobs/history.ts'
import { updateImages } from '../../src/jobs/update-images/index.ts'
import { createWorkbench, deployment, type Workbench } from '../images/workbench.ts'
import { pushImage } from '../registry/push-image.ts'

const web = 'default:deployment/web'
let bench: Workbench

beforeEach(async () => {
  bench = await createWorkbench()
  bench.deps.history = createHistory({ store: bench.store, redact: (text) => text, log: bench.deps.log })('a-job')
})
afterEach(() => bench.close())

async function events(): Promise<Event[]> {
  const entries = await bench.store.page(eventStream, { order: 'oldest', limit: 100 })
  return entries.map(({ entry }) => JSON.parse(entry.json ?? '') as Event)
}

it('a commit of new images is told, with what it changed; a run without one is not', async () => {
  for (const tag of ['1.0.0', '1.0.1']) await pushImage(bench.host, `${bench.path}/app`, tag)
  bench.push({ 'web.yaml': deployment(`${bench.images}/app:1.0.0`, { 'fluxcd.io/tag.app': 'semver:~1' }) })
  for (const repository of await bench.scans()) await bench.scan(repository)
  await bench.update()
  await bench.update()
  const head = bench.run('rev-parse', 'origin/main').trim()
  bench.run('fetch', '-q', 'origin', 'main')
  const commit = bench.run('rev-parse', 'FETCH_HEAD').trim()
  expect(commit).not.toBe(head)
  expect(await events()).toMatchObject([
    { type: 'commit', commit, serviceIDs: [web], metadata: { revision: commit, spec: { type: 'auto' } } },
  ])
})

it('a lock is told with its message', async () => {
  bench.push({ 'web.yaml': deployment(`${bench.images}/app:1.0.0`) })
  const add = { locked: 'true', locked_user: 'Ann', locked_msg: 'wait for the audit' }
  const cause = { User: 'Ann <ann@example.com>', Message: '' }
  const update: UpdateSpec = { type: 'policy', cause, spec: { [web]: { add, remove: {} } } }
  const { namespace, name } = bench.spec
  const request = await bench.deps.requests.put({ namespace, name, by: 'Ann', ask: { kind: 'update-images', update } })
  const payload = {
    kind: 'update-images' as const,
    namespace,
    name: requestJobName(request),
    reason: 'test',
    requestedAt: new Date().toISOString(),
  }
  await updateImages(payload, bench.deps, new AbortController().signal)
  expect((await events()).map(({ type, message }) => [type, message])).toEqual([
    ['commit', expect.stringMatching(/^Commit: [0-9a-f]{12}, default:deployment\/web$/)],
    ['lock', `Locked: ${web}, by Ann <ann@example.com>: wait for the audit`],
  ])
})

it('an update that cannot be pushed is told once, and its end', async () => {
  const alone = { ...bench.spec, verify: 'all' as const }
  for (const tag of ['1.0.0', '1.0.1']) await pushImage(bench.host, `${bench.path}/app`, tag)
  bench.push({ 'web.yaml': deployment(`${bench.images}/app:1.0.0`, { 'fluxcd.io/tag.app': 'semver:~1' }) })
  for (const repository of await bench.scans()) await bench.scan(repository)
  const sources = { ...bench.deps.sources, get: () => alone }
  for (let times = 0; times < 3; times++)
    await expect(bench.update({ sources })).rejects.toMatchObject({ reason: 'SignatureInvalid' })
  await bench.update()
  await bench.update()
  expect(await events()).toMatchObject([
    { type: 'error', severity: 'error', reason: 'SignatureInvalid', metadata: { step: 'images' } },
    { type: 'commit' },
    { type: 'error', severity: 'info', reason: '', metadata: { step: 'images' } },
  ])
})
