import { afterEach, describe, expect, it } from 'vitest'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { emptyAnswer, type ImageAnswer } from '../../src/domain/image/answer.ts'
import { type Applied, appliedKey } from '../../src/domain/source/applied.ts'
import type { Enqueue } from '../../src/domain/work/job.ts'
import { createCliBench } from './cli-bench.ts'
import { createWorkbench, goodStatus, spec } from './workbench.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

const [mine, theirs] = ['a', 'b'].map((letter) => letter.repeat(40)) as [string, string]
const web = 'demo:deployment/web'
const asked = ['release', '--workload', web, '--update-image', 'reg.example/me/web:2', '--source', 'default']

type Bench = ReturnType<typeof createWorkbench>
type Work = (bench: Bench, begun: ImageAnswer) => Promise<void>

/** An API that listens; `work` is done for each request about images. */
async function start(work: Work) {
  const enqueue: Enqueue = async (request) => {
    const answer = await bench.queue.enqueue(request)
    const [name = '', id = ''] = request.name.split('@')
    setImmediate(() => void work(bench, emptyAnswer({ id, namespace: request.namespace, name }, 'running')))
    return answer
  }
  const bench: Bench = createWorkbench({ app: { enqueue: (request) => enqueue(request) } })
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
  cleanUps.push(() => bench.app.close())
  return { bench, url }
}

/** What a sync of commits leaves behind for people, newest first. */
async function remember(bench: Bench, commits: string[]): Promise<void> {
  const applied: Applied = { revision: `main@${commits[0]}`, commits, policies: {} }
  await bench.store.set(appliedKey(spec.namespace, spec.name), JSON.stringify(applied))
}

const pushed: Partial<ImageAnswer> = {
  state: 'done',
  revision: mine,
  result: { [web]: { Status: 'success', PerContainer: [] } },
}

describe('capstan release', () => {
  it('is applied, too, where another commit came on top of it before the sync', async () => {
    const { url } = await start(async (bench, begun) => {
      const revision = `main@${theirs}`
      bench.putStatus({ ...goodStatus, revision, attempted: revision, loaded: revision })
      await remember(bench, [theirs, mine])
      await bench.requests.putAnswer({ ...begun, ...pushed })
    })
    const { code, stderr } = await createCliBench({ url })(...asked)
    expect([code, stderr]).toEqual([0, expect.stringContaining(`Commit applied:\t${mine.slice(0, 7)}\n`)])
  })

  it('waits for what could not be read whole, and says why it waited', async () => {
    const { url } = await start(async (bench, begun) => {
      const trouble = { ready: false, reason: 'InvalidYAML', message: '1 of 4 objects failed: a.yaml' } as const
      bench.putStatus({ ...goodStatus, ...trouble, attempted: `main@${mine}`, loaded: `main@${theirs}` })
      await bench.putFetch(mine)
      await remember(bench, [theirs])
      await bench.requests.putAnswer({ ...begun, ...pushed })
    })
    const { code, stderr } = await createCliBench({ url })(...asked, '--timeout', '1s')
    expect(code).toBe(3)
    expect(stderr).not.toContain('Commit applied')
    expect(stderr).toContain('waiting for the commit to be applied (InvalidYAML: 1 of 4 objects failed: a.yaml)')
  })

  it('tells what failed and is tried again by itself, once, and goes on when it went well', async () => {
    const trouble = { reason: 'GitAuthFailed', message: 'git push was refused' } as const
    const failing = await start(async (bench, begun) => await bench.requests.putAnswer({ ...begun, ...trouble }))
    const line = 'GitAuthFailed: git push was refused; it is tried again by itself\n'
    const late = await createCliBench({ url: failing.url })(...asked, '--timeout', '1s')
    expect(late.code).toBe(3)
    expect(late.stderr.split(line)).toHaveLength(2)
    expect(late.stderr).toMatch(
      /waiting for the release \(job \S+\) \(GitAuthFailed: git push was refused\); it goes on/,
    )

    let end: () => Promise<void> = async () => {}
    const mending = await start(async (bench, begun) => {
      end = async () => {
        bench.putStatus({ ...goodStatus, loaded: `main@${mine}` })
        await bench.requests.putAnswer({ ...begun, ...pushed })
      }
      await bench.requests.putAnswer({ ...begun, ...trouble })
    })
    const onErr = (text: string) => void (text === line && end())
    const { code, stderr } = await createCliBench({ url: mending.url, onErr })(...asked)
    expect([code, stderr]).toEqual([0, expect.stringContaining(`${line}Commit pushed:`)])
  })
})

describe('capstan release --watch', () => {
  const podinfo = 'demo:helmrelease/podinfo'
  const watched = [
    'release',
    '--workload',
    podinfo,
    '--update-image',
    'reg.example/me/web:2',
    '--source',
    'default',
    '--watch',
  ]
  const helmRelease = (releaseStatus: string, released: object, generation = 1): KubeObject => ({
    apiVersion: 'helm.fluxcd.io/v1',
    kind: 'HelmRelease',
    metadata: { namespace: 'demo', name: 'podinfo', generation },
    spec: { chart: { repository: 'http://charts', name: 'podinfo', version: '1.0.0' }, values: {} },
    status: {
      observedGeneration: 1,
      releaseStatus,
      conditions: [{ type: 'Released', status: 'True', reason: 'Succeeded', message: 'done', ...released }],
    },
  })
  const stored: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace: 'demo',
      name: 'sh.helm.release.v1.demo-podinfo.v1',
      labels: { owner: 'helm', name: 'demo-podinfo', status: 'deployed', version: '1' },
    },
  }
  const startWith = async (...objects: KubeObject[]) =>
    await start(async (bench, begun) => {
      bench.objects.push(...objects)
      bench.putStatus({ ...goodStatus, loaded: `main@${mine}` })
      await bench.requests.putAnswer({
        ...begun,
        ...pushed,
        result: { [podinfo]: { Status: 'success', PerContainer: [] } },
      })
    })

  it('of a HelmRelease ends when helm has deployed it', async () => {
    const { url } = await startWith(helmRelease('deployed', {}), stored)
    const { code, stdout, stderr } = await createCliBench({ url })(...watched, '--timeout', '60s')
    expect([code, stderr]).toEqual([0, expect.stringMatching(/Monitoring rollout \.\.\.\nAll workloads ready\.\n$/)])
    expect(stdout).toMatch(/demo:helmrelease\/podinfo .* deployed +0\/0/)
  })

  it('of a HelmRelease ends with 1 when helm has failed, and says with what', async () => {
    const failed = { status: 'False', reason: 'DeployFailed', message: 'HookFailed: pre-upgrade hooks failed' }
    const { url } = await startWith(helmRelease('failed', failed), stored)
    const { code, stderr } = await createCliBench({ url })(...watched, '--timeout', '60s')
    expect(code).toBe(1)
    expect(stderr).toContain(`There was a problem releasing ${podinfo}:\nHookFailed: pre-upgrade hooks failed\n`)
  })

  it('ends with 3 past --timeout, with what it waits for: what was deployed before is not this release', async () => {
    const { url } = await startWith(helmRelease('deployed', {}, 2), stored)
    const { code, stderr } = await createCliBench({ url })(...watched, '--timeout', '1s')
    expect(code).toBe(3)
    expect(stderr).toContain(
      `Timed out while waiting for ${podinfo} (NotReady: The latest change has not been worked on yet.); it goes on without us.`,
    )
  })
})
