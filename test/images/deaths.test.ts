import { afterEach, beforeEach, expect, it } from 'vitest'
import { updateImages, type UpdateImagesDeps } from '../../src/jobs/update-images/index.ts'
import { pushImage } from '../registry/push-image.ts'
import { createWorkbench, deployment, type Workbench } from './workbench.ts'

/** Of processes; CAPSTAN_DEATHS=200 is the whole of hazard A4. */
const deaths = Number(process.env.CAPSTAN_DEATHS ?? 20)
/** More calls than an update makes, so that some of them live. */
const mostCalls = 14

let bench: Workbench

beforeEach(async () => {
  bench = await createWorkbench()
})
afterEach(() => bench.close())

class Died extends Error {}

/** Dies at the n-th call to the outside: before it, or, where `isAfter`, when it has been done and nobody knows. */
function mortal(deps: UpdateImagesDeps, n: number, isAfter: boolean): UpdateImagesDeps {
  let calls = 0
  let isDead = false
  const dying =
    <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      calls += 1
      const isLast = calls === n
      if (isDead || (isLast && !isAfter)) {
        isDead = true
        throw new Died()
      }
      const answer = await call(...args)
      if (!isLast) return answer
      isDead = true
      throw new Died()
    }
  const { git, store } = deps
  return {
    ...deps,
    git: { ...git, changeBranch: dying(git.changeBranch), fetch: dying(git.fetch), tree: dying(git.tree) },
    store: { ...store, get: dying((key: string) => store.get(key)) },
    enqueue: dying(deps.enqueue),
  }
}

it(`an update is exactly one commit, whenever its process dies: ${deaths} deaths (hazard A4)`, async () => {
  const app = (tag: string) => `${bench.images}/app:${tag}`
  const { namespace, name } = bench.spec
  const payload = {
    kind: 'update-images' as const,
    namespace,
    name,
    reason: 'test',
    requestedAt: new Date().toISOString(),
  }
  await pushImage(bench.host, `${bench.path}/app`, '1.0.0')
  bench.push({
    'web.yaml': deployment(app('1.0.0'), { 'fluxcd.io/automated': 'true', 'fluxcd.io/tag.app': 'semver:~1' }),
  })
  let died = 0
  for (let death = 1; death <= deaths; death++) {
    const tag = `1.0.${death}`
    await pushImage(bench.host, `${bench.path}/app`, tag)
    await bench.scan(`${bench.host}/${bench.path}/app`)
    const deps = mortal(bench.deps, 1 + (death % mostCalls), death % 3 === 0)
    await updateImages(payload, deps, new AbortController().signal).catch((error: unknown) => {
      if (!(error instanceof Died) && !(error instanceof Error && error.cause instanceof Died)) throw error
      died += 1
    })
    bench.restart()
    await bench.update()
    expect({ death, commits: bench.subjects().length, text: bench.file('web.yaml') }).toEqual({
      death,
      commits: death + 1,
      text: expect.stringContaining(app(tag)) as string,
    })
  }
  expect(died).toBeGreaterThan(deaths / 3)
}, 600_000)
