import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { emptyPlan, type Plan } from '../../src/domain/plan/plan.ts'
import type { Enqueue } from '../../src/domain/work/job.ts'
import { type Request, requestIdOf } from '../../src/domain/work/request.ts'
import { readTar } from '../../src/lib/tar.ts'
import { createCliBench } from '../api/cli-bench.ts'
import { commit, createWorkbench, goodStatus } from '../api/workbench.ts'

type Bench = ReturnType<typeof createWorkbench>
type Worker = (bench: Bench, request: Request, jobId: string) => void | Promise<void>

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

/** An API that listens; `worker` answers each request as soon as it was made. */
async function start(worker: Worker = () => {}, options: { isTTY?: boolean } = {}) {
  const enqueue: Enqueue = async (request) => {
    const answer = await bench.queue.enqueue(request)
    const read = await bench.requests.read(request)
    if (read.request) setImmediate(() => void worker(bench, read.request, answer.jobId))
    return answer
  }
  const bench: Bench = createWorkbench({ app: { enqueue: (request) => enqueue(request) } })
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
  cleanUps.push(() => bench.app.close())
  return { ...bench, cli: createCliBench({ url, ...options }) }
}

function folder(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'capstan-plan-'))
  cleanUps.push(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

/** Makes the plan that is given. */
function planner(change: Omit<Partial<Plan>, 'counts'> & { counts?: Partial<Plan['counts']> }): Worker {
  return async (bench, request, jobId) => {
    const plan = emptyPlan(request, 'done')
    const revision = `main@${commit}`
    await bench.requests.putPlan({ ...plan, revision, ...change, counts: { ...plan.counts, ...change.counts } })
    await bench.requests.end(request)
    bench.endJob(jobId, { result: 'planned' })
  }
}

const created = {
  id: 'demo:configmap/web',
  action: 'created' as const,
  file: 'a.yaml',
  line: 3,
  diff: '@@ -1,0 +1,1 @@\n+kind: ConfigMap',
}

describe('capstan plan', () => {
  it('shows a table, diffs and counts, and exits 2 when something would change', async () => {
    const configured = {
      id: 'demo:deployment/web',
      action: 'configured' as const,
      file: 'b.yaml',
      line: 1,
      diff: ' spec:\n-  a: 1\n+  a: 2',
      overruled: ['kubectl: .spec.a'],
    }
    const held = [{ id: 'demo:configmap/old', file: 'c.yaml', reason: 'MassDeletion' as const, message: 'many' }]
    const { cli, queue } = await start(
      planner({
        changes: [created, configured],
        held,
        counts: { created: 1, configured: 1, unchanged: 8, held: 1 },
        warnings: ['x'],
      }),
    )
    const { code, stdout, stderr } = await cli('plan', '--ref', 'main')
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'planning capstan-system/default: job plan-source.1\n' })
    expect(stdout).toBe(`            OBJECT               FILE      WHY
created     demo:configmap/web   a.yaml:3
configured  demo:deployment/web  b.yaml:1  overrules kubectl: .spec.a
held        demo:configmap/old   c.yaml    MassDeletion: many

created demo:configmap/web
@@ -1,0 +1,1 @@
+kind: ConfigMap

configured demo:deployment/web
 spec:
-  a: 1
+  a: 2

main@0123456: 1 created, 1 configured, 1 held, 8 unchanged
note  x
`)
    expect(queue.requests[0]).toMatchObject({ kind: 'plan-source', reason: 'requested by alice' })
  })

  it.each<[what: string, change: Parameters<typeof planner>[0], code: number, text: string]>([
    ['nothing would change', { counts: { unchanged: 3 } }, 0, 'main@0123456: no change, 3 unchanged\n'],
    ['only something is skipped or held', { counts: { skipped: 1, held: 2 } }, 0, '1 skipped, 2 held, 0 unchanged'],
    ['something would be deleted', { counts: { deleted: 1 } }, 2, '1 deleted'],
    ['an object would fail', { counts: { failed: 1, created: 1 } }, 1, '1 created, 1 failed'],
    [
      'there is no plan',
      { state: 'failed', reason: 'GitUnreachable', message: 'no route' },
      1,
      'failed GitUnreachable: no route\n',
    ],
    [
      'the ref does not exist',
      { state: 'failed', reason: 'GitRefNotFound', message: 'none' },
      4,
      'GitRefNotFound: none',
    ],
    [
      'it may not be compared for who asks',
      { state: 'failed', reason: 'NotFollowed', message: 'it takes more' },
      5,
      'NotFollowed: it takes more',
    ],
  ])('when %s exits as it should', async (_what, change, code, text) => {
    const { cli } = await start(planner(change))
    const answer = await cli('plan')
    expect(answer.code).toBe(code)
    expect(answer.stdout).toContain(text)
  })

  it('tells programs everything, and nothing besides', async () => {
    const { cli } = await start(planner({ changes: [created], counts: { created: 1 } }))
    const { code, stdout, stderr } = await cli('plan', '-o', 'json')
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ state: 'done', changes: [created], counts: { created: 1 } })
  })

  it('is coloured at a terminal only, and safe whatever stands in a diff', async () => {
    const evil = { ...created, id: 'demo:configmap/\u001b[2J', diff: '+a: \u001b[31mred\u202e\n-\u009bb\n \u0007c' }
    const worker = planner({ changes: [evil], counts: { created: 1 }, warnings: ['\u001b]0;title\u0007'] })
    const plain = await (await start(worker)).cli('plan')
    for (const character of ['\u0007', '\u001b', '\u009b', '\u202e']) expect(plain.stdout).not.toContain(character)
    expect(plain.stdout).toContain('+a: �[31mred�\n-�b\n �c\n')
    const coloured = await (await start(worker, { isTTY: true })).cli('plan')
    expect(coloured.stdout).toContain('\u001b[32m+a: �[31mred�\u001b[39m\n\u001b[31m-�b\u001b[39m\n')
  })

  it('sends the manifests of a folder, and nothing else in it', async () => {
    let sent: Uint8Array | undefined
    const { cli } = await start(async (bench, request, jobId) => {
      sent = await bench.requests.files(request.id)
      await planner({})(bench, request, jobId)
    })
    const root = folder({
      'a.yaml': 'a',
      'deep/b.yml': 'b',
      'README.md': 'no',
      '.git/c.yaml': 'no',
      'x/.flux.yaml': 'f',
    })
    expect((await cli('plan', '--dir', root)).code).toBe(0)
    const read = readTar(gunzipSync(sent ?? new Uint8Array()))
    const files = 'files' in read ? read.files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString()]) : read
    expect(files).toEqual(
      expect.arrayContaining([
        ['a.yaml', 'a'],
        ['deep/b.yml', 'b'],
        ['x/.flux.yaml', 'f'],
      ]),
    )
    expect(files).toHaveLength(3)
  })

  it('refuses what it cannot send', async () => {
    const { cli, queue } = await start()
    const root = folder({ 'a.yaml': 'a' })
    symlinkSync('a.yaml', join(root, 'b.yaml'))
    expect(await cli('plan', '--dir', root)).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('b.yaml is a symbolic link'),
    })
    expect(await cli('plan', '--dir', join(root, 'none'))).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('ENOENT'),
    })
    expect(await cli('plan', '--dir', root, '--ref', 'x')).toMatchObject({ code: 64 })
    expect(queue.requests).toEqual([])
  })

  it('exits 3 past the timeout and 4 when Redis forgot the request', async () => {
    const { cli } = await start()
    expect(await cli('plan', '--timeout', '3s')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('waiting for the plan'),
    })
    const lost = await start(async (bench, request) => {
      bench.queue.jobs.splice(0)
      await bench.store.delete(`request:${request.id}`)
    })
    expect(await lost.cli('plan')).toMatchObject({ code: 4, stderr: expect.stringContaining('ask again') })
  })

  it('says who stopped its job', async () => {
    const { cli } = await start((bench, _request, jobId) =>
      bench.endJob(jobId, { state: 'failed', failure: 'cancelled by bob' }),
    )
    expect(await cli('plan')).toMatchObject({ code: 4, stderr: expect.stringContaining('cancelled by bob') })
  })
})

const held = {
  id: 'a:configmap/b',
  file: 'b.yaml',
  line: 0,
  reason: 'MassDeletion' as const,
  message: 'many',
  since: commit,
}

/** Ends each change as the job does. */
const changer: Worker = (bench, { ask }, jobId) =>
  bench.endJob(jobId, { result: `${'change' in ask ? ask.change : ''} → sync-source.7` })

/** The request that a job names. */
async function requestOf({ queue, requests }: Pick<Bench, 'queue' | 'requests'>): Promise<Request | undefined> {
  const [asked] = queue.requests
  expect(requestIdOf(asked?.name ?? '')).toBeDefined()
  return asked && (await requests.read(asked)).request
}

describe('capstan approve', () => {
  it.each([[[]], [['--commit', commit]], [['--commit', commit.slice(0, 7)]]])(
    '%j approves what is held now',
    async (argv) => {
      const bench = await start(changer)
      bench.putStatus({ ...goodStatus, ready: false, reason: 'MassDeletion', held: [held] })
      const { code, stdout } = await bench.cli('approve', ...argv)
      expect({ code, stdout }).toEqual({
        code: 0,
        stdout: 'approved the deletions of 0123456; job sync-source.7 follows\n',
      })
      expect(await requestOf(bench)).toMatchObject({ by: 'alice', ask: { change: 'approve', commit } })
    },
  )

  it('does nothing where nothing is held', async () => {
    const { cli, putStatus, queue } = await start(changer)
    putStatus({ ...goodStatus, held: [{ ...held, reason: 'DeleteHeld' }] })
    expect(await cli('approve')).toMatchObject({
      code: 0,
      stdout: 'nothing waits for approval in capstan-system/default\n',
    })
    expect(await cli('approve', '--commit', 'main')).toMatchObject({ code: 64 })
    expect(await cli('approve', '--commit', 'fedcba9')).toMatchObject({ code: 64 })
    expect(queue.requests).toEqual([])
  })
})

describe('capstan suspend and resume', () => {
  it('say who and why', async () => {
    const bench = await start(changer)
    expect(await bench.cli('suspend', 'default', '--reason', 'it rains', '--user', 'bob')).toMatchObject({
      code: 0,
      stdout: 'suspended capstan-system/default; job sync-source.7 follows\n',
    })
    expect(await requestOf(bench)).toMatchObject({ by: 'bob', ask: { change: 'suspend', why: 'it rains' } })
    const again = await start(changer)
    expect(await again.cli('resume')).toMatchObject({
      code: 0,
      stdout: 'resumed capstan-system/default; job sync-source.7 follows\n',
    })
    expect(await requestOf(again)).toMatchObject({ by: 'alice', ask: { change: 'resume' } })
  })

  it('say what went wrong', async () => {
    const failing: Worker = (bench, _request, jobId) =>
      bench.endJob(jobId, { state: 'failed', failure: 'ClusterUnavailable: gone' })
    const { cli } = await start(failing)
    expect(await cli('suspend')).toMatchObject({ code: 1, stdout: 'failed ClusterUnavailable: gone\n' })
    expect(await cli('resume', 'none')).toMatchObject({ code: 4 })
    const { cli: slow } = await start()
    expect(await slow('resume', '--timeout', '150ms')).toMatchObject({ code: 3 })
  })
})
