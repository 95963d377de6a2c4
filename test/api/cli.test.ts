import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/error.ts'
import type { Enqueue } from '../../src/domain/work/job.ts'
import { createCliBench } from './cli-bench.ts'
import { commit, createWorkbench, goodStatus, spec, token } from './workbench.ts'

type Bench = ReturnType<typeof createWorkbench>
type Worker = (bench: Bench, kind: string, jobId: string) => void | Promise<void>

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

/** An API that listens; `worker` does each job as soon as it was asked for. */
async function start(worker: Worker = () => {}, options: { sources?: (typeof spec)[] } = {}) {
  const enqueue: Enqueue = async (request) => {
    const answer = await bench.queue.enqueue(request)
    setImmediate(() => void worker(bench, request.kind, answer.jobId))
    return answer
  }
  const bench: Bench = createWorkbench({ ...options, app: { enqueue: (request) => enqueue(request) } })
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
  cleanUps.push(() => bench.app.close())
  return { ...bench, url, cli: createCliBench({ url }) }
}

const next = '89abcdef0123456789abcdef0123456789abcdef'

/** Fetches `next` and syncs it. */
function goodWorker(status: Partial<typeof goodStatus> = {}): Worker {
  return async (bench, kind, jobId) => {
    if (kind !== 'fetch-source') return
    await bench.putFetch(next)
    const sync = await bench.queue.enqueue({
      kind: 'sync-source',
      namespace: spec.namespace,
      name: spec.name,
      reason: 'requested',
      lane: 'person',
    })
    bench.endJob(jobId, { result: `main@${next} → ${sync.jobId}` })
    const revision = `main@${next}`
    bench.putStatus({ ...goodStatus, revision, attempted: revision, ...status })
    bench.endJob(sync.jobId, { result: '3 unchanged in 0.1 s' })
  }
}

describe('capstan status', () => {
  it('is a table for people and exits 0 when all is ready', async () => {
    const { cli, putStatus, putFetch } = await start()
    putStatus(goodStatus)
    await putFetch(commit)
    const { code, stdout, stderr } = await cli('status')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      'SOURCE                  REVISION      OBJECTS  READY  MESSAGE',
      'capstan-system/default  main@0123456  3        yes    3 objects applied',
    ])
  })

  it('shows what failed with file and line, safely, and exits 1', async () => {
    const { cli, putStatus, putFetch } = await start()
    const failed = {
      id: 'a:deployment/b',
      file: 'deploy/b.yaml',
      line: 7,
      reason: 'ApplyRefused' as const,
      message: 'evil \u001b[2J\u202e text\nnext',
      since: commit,
    }
    putStatus({
      ...goodStatus,
      ready: false,
      reason: 'ApplyRefused',
      message: '1 of 3 objects failed',
      failed: [failed],
      failedCount: 2,
    })
    await putFetch(commit)
    const { code, stdout } = await cli('status')
    expect(code).toBe(1)
    expect(stdout).toContain('a:deployment/b  deploy/b.yaml:7  ApplyRefused: evil �[2J� text next')
    expect(stdout).toContain('and 1 more')
    expect(stdout).not.toContain('\u001b')
    const json = await cli('status', '-o', 'json')
    expect(json.code).toBe(1)
    expect(json.stdout).not.toContain('\u001b')
    expect(json.stdout).not.toContain('\u202e')
    expect(JSON.parse(json.stdout).sources[0].failed[0].message).toBe(failed.message)
  })

  it('colours for a terminal only, and not where NO_COLOR is set', async () => {
    const { url, putStatus, putFetch } = await start()
    putStatus(goodStatus)
    await putFetch(commit)
    const colour = `\u001b[32myes`
    expect((await createCliBench({ url, isTTY: true })('status')).stdout).toContain(colour)
    expect((await createCliBench({ url, isTTY: true, env: { NO_COLOR: '1' } })('status')).stdout).not.toContain(
      '\u001b',
    )
    expect((await createCliBench({ url, isTTY: true })('status', '-o', 'json')).stdout).not.toContain('\u001b')
  })
})

describe('capstan sync', () => {
  it('follows the fetch and the sync until the head is applied', async () => {
    const { cli, queue } = await start(goodWorker())
    const { code, stdout, stderr } = await cli('sync')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toBe('fetched main@89abcde\napplied main@89abcde: 3 objects applied\n')
    expect(queue.requests[0]).toMatchObject({ kind: 'fetch-source', reason: 'requested by alice', lane: 'person' })
  })

  it.each(['default', 'capstan-system/default'])('finds the source %s', async (name) => {
    const { cli } = await start(goodWorker())
    expect((await cli('sync', name)).code).toBe(0)
  })

  it('tells programs the same', async () => {
    const { cli } = await start(goodWorker())
    const { stdout } = await cli('sync', '-o', 'json')
    expect(JSON.parse(stdout)).toMatchObject({ revision: `main@${next}`, isApplied: true, source: { ready: true } })
  })

  it('exits 1 when an object failed, and shows which', async () => {
    const failed = {
      id: 'a:deployment/b',
      file: 'b.yaml',
      line: 7,
      reason: 'ApplyRefused' as const,
      message: 'no',
      since: commit,
    }
    const { cli } = await start(
      goodWorker({
        ready: false,
        revision: `main@${commit}`,
        reason: 'ApplyRefused',
        message: '1 of 3 objects failed: no',
        failed: [failed],
        failedCount: 1,
      }),
    )
    const { code, stdout } = await cli('sync')
    expect(code).toBe(1)
    expect(stdout).toContain('failed main@89abcde: ApplyRefused: 1 of 3 objects failed: no')
    expect(stdout).toContain('b.yaml:7')
  })

  it('is done when its head is applied, although the branch moved on meanwhile', async () => {
    const { cli } = await start(async (bench, kind, jobId) => {
      await goodWorker()(bench, kind, jobId)
      await bench.putFetch(commit)
    })
    expect((await cli('sync')).code).toBe(0)
  })

  it('exits 1 at the first failed try of the fetch, with its reason', async () => {
    const { cli } = await start((bench, _kind, jobId) => {
      bench.endJob(jobId, {
        state: 'delayed',
        failure: 'GitUnreachable: no route',
        nextRunAt: new Date().toISOString(),
      })
    })
    const { code, stdout } = await cli('sync')
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'failed GitUnreachable: no route\n' })
  })

  it('exits 1 when the sync itself fails', async () => {
    const { cli } = await start(async (bench, kind, jobId) => {
      await goodWorker()(bench, kind, jobId)
      const sync = bench.queue.jobs.find((job) => job.kind === 'sync-source')
      bench.endJob(sync?.id ?? '', { state: 'failed', failure: 'ClusterUnavailable: gone' })
    })
    const { code, stdout } = await cli('sync')
    expect(code).toBe(1)
    expect(stdout).toContain('failed main@89abcde: ClusterUnavailable: gone')
  })

  it('goes by the source when Redis forgets the jobs', async () => {
    const { cli } = await start(async (bench) => {
      await new Promise((resolve) => setImmediate(resolve))
      bench.queue.jobs.splice(0)
      await bench.putFetch(next)
      const revision = `main@${next}`
      bench.putStatus({ ...goodStatus, revision, attempted: revision })
    })
    const { code, stdout } = await cli('sync')
    expect(code).toBe(0)
    expect(stdout).toContain('applied main@89abcde')
  })

  it('takes a sync that is applied and waits for something else for done', async () => {
    const { cli } = await start(async (bench, kind, jobId) => {
      await goodWorker()(bench, kind, jobId)
      const sync = bench.queue.jobs.find((job) => job.kind === 'sync-source')
      bench.endJob(sync?.id ?? '', { state: 'delayed', waitsFor: 'definitions' })
    })
    expect((await cli('sync')).code).toBe(0)
  })

  it('exits 3 past the timeout, and goes on without us', async () => {
    const { cli } = await start()
    const { code, stderr } = await cli('sync', '--timeout', '3s')
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: 'error Timed out while waiting for the fetch; it goes on without us.\n',
    })
  })

  it('waits for health where that is asked for', async () => {
    const { cli, objects } = await start(goodWorker())
    expect((await cli('sync', '--wait=health')).code).toBe(0)
    const { gcMark, syncSetName } = await import('../../src/domain/manifest/gc-mark.ts')
    const set = syncSetName({ safeUrl: 'https://me@git.example/a.git', branch: 'main', paths: ['deploy'] })
    const ref = { kind: 'Deployment', namespace: 'demo', name: 'web' }
    const labels = { 'fluxcd.io/sync-gc-mark': gcMark(set, ref) }
    objects.push({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'demo', labels },
      spec: { replicas: 1 },
      status: {},
    })
    expect((await cli('sync', '--wait=health', '--timeout=2500ms')).code).toBe(3)
    expect((await cli('sync')).code).toBe(0)
  })

  it('only asks with --no-wait', async () => {
    const { cli } = await start()
    expect(await cli('sync', '--no-wait')).toMatchObject({
      code: 0,
      stdout: 'asked for capstan-system/default: job fetch-source.1\n',
    })
  })

  it('needs to know which', async () => {
    const { cli } = await start(goodWorker(), { sources: [spec, { ...spec, name: 'other' }] })
    expect(await cli('sync')).toMatchObject({
      code: 64,
      stderr: 'error Which source? There is capstan-system/default, capstan-system/other: name one.\n',
    })
    expect(await cli('sync', 'third')).toMatchObject({ code: 4 })
    const { cli: none } = await start(goodWorker(), { sources: [] })
    expect(await none('sync')).toMatchObject({ code: 4, stderr: expect.stringContaining('--git-url') })
  })
})

describe('capstan queue', () => {
  it('lists, shows and changes jobs', async () => {
    const { cli, queue, endJob } = await start()
    expect((await cli('queue', 'ls')).stdout).toBe('no jobs\n')
    const { jobId } = await queue.enqueue({
      kind: 'sync-source',
      namespace: 'a',
      name: 'one',
      reason: 'push',
      lane: 'webhook',
    })
    const list = await cli('queue', 'ls')
    expect(list.stdout).toMatch(
      /^JOB +OBJECT +STATE +LANE +AGE +WHY\nsync-source\.1 +a\/one +waiting +webhook +\ds +push\n$/,
    )
    expect((await cli('queue', 'ls', '--kind', 'fetch-source')).stdout).toBe('no jobs\n')
    expect(
      JSON.parse((await cli('queue', 'ls', '-o', 'json', '--state', 'waiting', 'active')).stdout).jobs,
    ).toHaveLength(1)
    expect((await cli('queue', 'show', jobId)).stdout).toContain('lane       webhook\n')
    const job = queue.jobs.find(({ id }) => id === jobId)
    Object.assign(job ?? {}, { state: 'active', progress: { step: 'applying objects', done: 120, total: 998 } })
    expect((await cli('queue', 'ls')).stdout).toContain('applying objects 120 of 998')
    expect((await cli('queue', 'show', jobId)).stdout).toContain('progress   applying objects 120 of 998\n')
    Object.assign(job ?? {}, { state: 'waiting' })
    expect(await cli('queue', 'promote', jobId)).toMatchObject({ code: 0, stdout: `${jobId} runs next\n` })
    Object.assign(job ?? {}, { state: 'active' })
    expect(await cli('queue', 'cancel', jobId)).toMatchObject({ code: 0, stdout: `${jobId} cancelled\n` })
    expect(queue.cancelled).toEqual([{ jobId, who: 'alice' }])
    endJob(jobId, { state: 'failed', failure: 'HelmFailed: no' })
    expect((await cli('queue', 'ls', '--state=failed')).stdout).toContain('HelmFailed: no')
    expect(await cli('queue', 'cancel', jobId)).toMatchObject({
      code: 1,
      stderr: 'error A job that is failed cannot be cancelled.\n',
    })
    expect(await cli('queue', 'retry', jobId)).toMatchObject({ code: 0 })
    expect(await cli('queue', 'show', 'none')).toMatchObject({ code: 4 })
  })

  it('says it when Redis is away', async () => {
    const { cli, queue } = await start()
    queue.goAway()
    expect(await cli('queue', 'ls')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Redis does not answer'),
    })
  })
})

describe('capstan: usage', () => {
  it.each<[string[], RegExp]>([
    [['stats'], /Did you mean status\?/],
    [['queue', 'sho', 'x'], /Did you mean show\?/],
    [['status', '-o', 'xml'], /Allowed choices are table, wide, json, yaml, name/],
    [['sync', '--timeout', 'soon'], /duration such as 30s/],
    [['queue', 'ls', '--limit', '0'], /from 1 to 1000/],
    [['queue', 'show'], /missing required argument/],
    [['sync', 'a', 'b'], /too many arguments/],
    [['events', '--type', 'bogus'], /Allowed choices are commit, sync, release/],
    [['wait', '--commit', 'zzz'], /7 to 40 hexadecimal digits/],
    [['wait'], /Give a subject or --commit/],
  ])('%j is wrong', async (argv, text) => {
    const { code, stderr } = await createCliBench()(...argv)
    expect(code).toBe(64)
    expect(stderr).toMatch(text)
  })

  it('is told by the server too, in words for people', async () => {
    const { cli } = await start()
    expect(await cli('explain', '')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('subject in the query'),
    })
    const { code, stderr } = await cli('release', '--all', '--update-image', 'bad image')
    expect([code, stderr]).toEqual([64, expect.stringMatching(/is no image\n\(see --help\)\n$/)])
  })

  it('helps without a server', async () => {
    const cli = createCliBench()
    for (const argv of [
      ['--help'],
      ['status', '--help'],
      ['sync', '-h'],
      ['queue', 'ls', '--help'],
      ['help', 'sync'],
    ]) {
      const { code, stdout } = await cli(...argv)
      expect({ argv, code }).toEqual({ argv, code: 0 })
      expect(stdout).toContain('Usage: capstan')
    }
    expect(await cli('version', '--client')).toMatchObject({ code: 0, stdout: 'client 9.9.9\n' })
    expect(await cli('--version')).toMatchObject({ code: 0, stdout: '9.9.9\n' })
  })

  it('hands own commands their words as they are', async () => {
    const cli = createCliBench()
    expect((await cli('run', '--git-url', 'x', '-l=:1')).code).toBe(43)
    expect((await cli('help', 'run')).code).toBe(41)
    expect((await cli('--help')).stdout).toMatch(/run +run it/)
  })
})

describe('capstan: the server', () => {
  it('is the playground of a folder above, with its token', async () => {
    const { url } = await start()
    const folder = mkdtempSync(join(tmpdir(), 'capstan-cli-'))
    cleanUps.push(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, '.capstan'))
    mkdirSync(join(folder, 'a', 'b'), { recursive: true })
    const file = join(folder, '.capstan', 'playground.json')
    const cli = createCliBench({ cwd: join(folder, 'a', 'b') })
    writeFileSync(file, JSON.stringify({ version: 1, apiUrl: url, token }))
    expect((await cli('version')).code).toBe(0)
    writeFileSync(join(folder, 'token'), `${token}\n`)
    writeFileSync(file, JSON.stringify({ version: 1, apiUrl: url, tokenFile: join(folder, 'token') }))
    expect((await cli('version')).code).toBe(0)
    expect((await cli('version', '--url', url)).code).toBe(0)
    expect((await cli('version', '--url', url, '--token-file', join(folder, 'none'))).code).toBe(6)
  })

  it('never gets the token of another one', async () => {
    const { url } = await start()
    const folder = mkdtempSync(join(tmpdir(), 'capstan-cli-'))
    cleanUps.push(() => rmSync(folder, { recursive: true }))
    mkdirSync(join(folder, '.capstan'))
    writeFileSync(join(folder, '.capstan', 'playground.json'), JSON.stringify({ apiUrl: 'http://127.0.0.1:1', token }))
    expect(await createCliBench({ cwd: folder })('version', '--url', url)).toMatchObject({ code: 5 })
  })

  it('is found by the variables of fluxctl, with its token by any of the ways to give it', async () => {
    const { url } = await start()
    const env = { FLUX_URL: `${url}/api/flux`, FLUX_SERVICE_TOKEN: token }
    expect((await createCliBench({ env })('version')).code).toBe(0)
    expect((await createCliBench({ env: { ...env, FLUX_SERVICE_TOKEN: 'x' } })('status')).code).toBe(5)
    expect((await createCliBench({ env: { FLUX_URL: url } })('status', '-t', token)).code).not.toBe(5)
    // what is Capstan's own goes first
    expect((await createCliBench({ env: { ...env, CAPSTAN_URL: 'http://127.0.0.1:9' } })('version')).code).toBe(6)
    expect((await createCliBench({ env: { ...env, CAPSTAN_TOKEN: 'x' } })('status')).code).toBe(5)
  })

  it('is a forwarded port where the command line says so, or nothing else is known', async () => {
    const { url } = await start()
    const asked: unknown[] = []
    const forward = async (to: unknown) => {
      asked.push(to)
      return url
    }
    const bench = createCliBench({ env: { CAPSTAN_TOKEN: token }, forward })
    expect((await bench('version')).code).toBe(0)
    const flags = ['--context', 'prod', '--k8s-fwd-ns', 'flux', '--k8s-fwd-labels', 'app=flux,a=b=c']
    const known = createCliBench({ env: { CAPSTAN_TOKEN: token, CAPSTAN_URL: 'http://127.0.0.1:9' }, forward })
    expect((await known('version', ...flags)).code).toBe(0)
    expect((await known('version')).code).toBe(6)
    expect((await known('version', '--url', url, ...flags)).code).toBe(0)
    expect(asked).toEqual([
      { context: '', namespace: 'capstan-system', labels: {} },
      { context: 'prod', namespace: 'flux', labels: { app: 'flux', a: 'b=c' } },
    ])
    const none = createCliBench({
      forward: async () => {
        throw new Error('there is no kubeconfig')
      },
    })
    expect(await none('status')).toMatchObject({
      code: 6,
      stderr: expect.stringMatching(
        /give --url or CAPSTAN_URL.*By the kubeconfig none is found: there is no kubeconfig/s,
      ),
    })
  })

  it.each<[string, Record<string, string>, number, RegExp]>([
    ['is not known', {}, 6, /give --url or CAPSTAN_URL/],
    ['does not listen', { CAPSTAN_URL: 'http://127.0.0.1:9' }, 6, /not reached at http:\/\/127\.0\.0\.1:9/],
    ['is no URL', { CAPSTAN_URL: 'localhost' }, 6, /must look like/],
    ['has a password in it', { CAPSTAN_URL: 'http://me:hunter2@h' }, 6, /hold no password/],
  ])('%s', async (_what, env, code, text) => {
    const answer = await createCliBench({ env })('status')
    expect(answer.code).toBe(code)
    expect(answer.stderr).toMatch(text)
    expect(answer.stderr).not.toContain('hunter2')
  })

  it('refuses a wrong token', async () => {
    const { url } = await start()
    expect(await createCliBench({ url, env: { CAPSTAN_TOKEN: 'x' } })('status')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('CAPSTAN_TOKEN'),
    })
  })

  it('says what the cluster’s absence means', async () => {
    const { cli, clusterState } = await start()
    clusterState.failure = new AppError('ClusterUnavailable', 'The API server is gone.')
    const { code, stdout } = await cli('status')
    expect(code).toBe(1)
    expect(stdout).toContain('ClusterUnavailable The API server is gone.')
    expect(stdout).toContain('note  Releases could not be read')
  })
})

describe('Ctrl-C', () => {
  it('exits 130 while it waits', async () => {
    const abort = new AbortController()
    const { url } = await start(() => abort.abort(new Error('interrupted')))
    const { code, stderr } = await createCliBench({ url, signal: abort.signal })('sync')
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
  })
})
