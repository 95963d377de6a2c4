import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ImageAnswer } from '../../src/domain/image/answer.ts'
import { readNote } from '../../src/domain/image/note.ts'
import { type Request, requestJobName } from '../../src/domain/work/request.ts'
import type { PolicyChange, UpdateSpec } from '../../src/domain/work/update-spec.ts'
import { updateImages, type UpdateImagesDeps } from '../../src/jobs/update-images/index.ts'
import { pushImage } from '../registry/push-image.ts'
import { makeAgeKey } from '../sops/age-key.ts'
import { stack } from '../stack/stack.ts'
import { createWorkbench, deployment, type Workbench } from './workbench.ts'

const web = 'default:deployment/web'
const other = 'default:deployment/other'
const cause = { Message: '', User: 'Ann <ann@example.com>' }
let bench: Workbench

beforeEach(async () => {
  bench = await createWorkbench()
  for (const tag of ['1.0.0', '1.0.1']) await pushImage(bench.host, `${bench.path}/app`, tag)
  bench.push({
    'web.yaml': deployment(app('1.0.0'), { 'fluxcd.io/tag.app': 'semver:~1' }),
    'other.yaml': deployment(app('1.0.0'), {}, 'other'),
  })
  for (const name of ['web', 'other']) {
    await bench.cluster.create({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, namespace: 'default' } })
  }
})
afterEach(() => bench.close())

const app = (tag: string) => `${bench.images}/app:${tag}`

function release(ServiceSpecs: string[], Kind: 'plan' | 'execute' = 'execute'): UpdateSpec {
  return { type: 'image', cause, spec: { ServiceSpecs, ImageSpec: app('1.0.1'), Kind, Excludes: [], Force: false } }
}

function policy(id: string, change: Partial<PolicyChange>): UpdateSpec {
  return { type: 'policy', cause, spec: { [id]: { add: {}, remove: {}, ...change } } }
}

function forced(update: UpdateSpec): UpdateSpec {
  return { ...update, spec: { ...update.spec, Force: true } } as UpdateSpec
}

async function ask(update: UpdateSpec): Promise<Request> {
  const { namespace, name } = bench.spec
  return await bench.deps.requests.put({ namespace, name, by: 'Ann', ask: { kind: 'update-images', update } })
}

async function run(request: Request, change: Partial<UpdateImagesDeps> = {}): Promise<ImageAnswer | undefined> {
  const payload = {
    kind: 'update-images' as const,
    namespace: bench.spec.namespace,
    name: requestJobName(request),
    reason: 'test',
    requestedAt: new Date().toISOString(),
  }
  await updateImages(payload, { ...bench.deps, ...change }, new AbortController().signal)
  return await bench.deps.requests.answer(request.id)
}

describe('a release', () => {
  it('is one commit with a note, and its answer says how each workload fared', async () => {
    const request = await ask(release([web]))
    const answer = await run(request)
    expect(answer).toMatchObject({
      state: 'done',
      result: { [web]: { Status: 'success' }, [other]: { Status: 'ignored', Error: 'not included' } },
    })
    expect(bench.file('web.yaml')).toBe(deployment(app('1.0.1'), { 'fluxcd.io/tag.app': 'semver:~1' }))
    bench.run('fetch', '-q', 'origin', 'refs/notes/*:refs/notes/*')
    const note = readNote(bench.run('notes', '--ref=flux', 'show', answer?.revision ?? ''))
    expect(note).toEqual({ jobID: request.id, spec: release([web]), result: answer?.result })
  })

  it('that was killed after its push finds its commit, and makes no second one', async () => {
    const request = await ask(release(['<all>']))
    const killed = run(request, { enqueue: async () => await Promise.reject(new Error('killed')) })
    await expect(killed).rejects.toThrow()
    expect(bench.subjects()).toHaveLength(2)
    // somebody goes on from there: without the note nobody could tell what the release had done
    bench.file('web.yaml')
    bench.push({ 'web.yaml': deployment(app('1.0.0')) })
    bench.restart()
    const answer = await run(request)
    expect(answer).toMatchObject({ state: 'done', result: { [web]: { Status: 'success' } } })
    expect(bench.subjects()).toHaveLength(3)
    expect(bench.run('log', '-1', '--format=%H', 'origin/main~1').trim()).toBe(answer?.revision)
    expect(bench.queue.requests.at(-1)).toMatchObject({ kind: 'fetch-source' })
  })

  it('that was killed before its push is done by the next run', async () => {
    const request = await ask(release(['<all>']))
    const killed = run(request, {
      fence: {
        check: () => {
          throw new Error('killed')
        },
      },
    })
    await expect(killed).rejects.toThrow()
    expect(bench.subjects()).toEqual(['change'])
    expect(await run(request)).toMatchObject({ state: 'done' })
    expect(bench.subjects()).toHaveLength(2)
  })

  it('that was answered is not done again', async () => {
    const request = await ask(release(['<all>']))
    await run(request)
    bench.file('web.yaml')
    bench.push({ 'web.yaml': deployment(app('1.0.0')) })
    await run(request)
    expect(bench.subjects()).toHaveLength(3)
  })

  it('as a dry run commits nothing and says the same', async () => {
    const answer = await run(await ask(release([web], 'plan')))
    expect(answer).toMatchObject({ state: 'done', revision: '', result: { [web]: { Status: 'success' } } })
    expect(bench.subjects()).toEqual(['change'])
  })

  it('is refused where git is read-only, and where its image does not exist', async () => {
    const readonly = await ask(release([web]))
    await expect(run(readonly, { readonly: true })).rejects.toMatchObject({ reason: 'NotEditable', retry: 'never' })
    const none = await ask({ ...release([web]), spec: { ...release([web]).spec, ImageSpec: app('9') } } as UpdateSpec)
    await expect(run(none)).rejects.toMatchObject({
      reason: 'NoTag',
      message: expect.stringContaining('invalid image ID'),
    })
    expect(bench.subjects()).toEqual(['change'])
  })

  it('leaves a SOPS file and an absent workload alone, with the reason', async () => {
    bench.push({
      'web.yaml': `${deployment(app('1.0.0'))}sops: {mac: x}\n`,
      'gone.yaml': deployment(app('1.0.0'), {}, 'gone'),
    })
    expect(await run(await ask(release(['<all>'])))).toMatchObject({
      result: {
        [web]: { Status: 'failed', Error: expect.stringContaining('SOPS') },
        [other]: { Status: 'success' },
        'default:deployment/gone': { Status: 'skipped', Error: 'not accessible in cluster' },
      },
    })
  })

  it('of what was chosen from a plan finds the tags of images that fluxctl names by their digests alone', async () => {
    bench.push({
      'web.yaml': deployment(app('1.0.0'), { 'capstan.dev/pin': 'digest', 'fluxcd.io/tag.app': 'semver:1.0.0' }),
    })
    await run(
      await ask({ ...release([web]), spec: { ...release([web]).spec, ImageSpec: '<all latest>' } } as UpdateSpec),
    )
    const before = bench.file('web.yaml')
    expect(before).toMatch(/app:1\.0\.0@sha256:/)
    bench.push({ 'web.yaml': before.replace('semver:1.0.0', 'semver:~1') })
    const all = { ...release([web], 'plan').spec, ImageSpec: '<all latest>' }
    const planned = await run(await ask({ type: 'image', cause, spec: all } as UpdateSpec))
    const [change] = planned?.result[web]?.PerContainer ?? []
    expect(change?.Target).toMatch(/app:1\.0\.1@sha256:/)
    const untagged = (image = '') => image.replace(/:[^:/]*@/, '@')
    const chosen = { Container: 'app', Current: untagged(change?.Current), Target: untagged(change?.Target) }
    const spec = { Kind: 'execute' as const, ContainerSpecs: { [web]: [chosen] }, SkipMismatches: false, Force: false }
    expect(await run(await ask({ type: 'containers', cause, spec }))).toMatchObject({
      state: 'done',
      result: { [web]: { Status: 'success', PerContainer: [change] } },
    })
    expect(bench.file('web.yaml')).toContain(`image: "${change?.Target}"`)
  })
})

describe('a file that SOPS encrypted in part', () => {
  const { recipient, secret } = makeAgeKey()
  const sops = (args: string[], input: string) =>
    execFileSync(
      join(stack().binDir, 'sops'),
      [...args, '--input-type', 'yaml', '--output-type', 'yaml', '--filename-override', 'a.yaml'],
      {
        input,
        encoding: 'utf8',
        env: { HOME: '/nonexistent', SOPS_AGE_KEY: secret },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    )

  it.each([
    ['locked', () => policy(web, { remove: { locked: 'true' } })],
    ['locked', () => policy(web, { add: { 'tag.app': 'glob:1.*' } })],
    ['ignored', () => policy(web, { add: { automated: 'true' } })],
    ['locked', () => forced(release([web]))],
    ['ignored', () => forced(release([web]))],
  ])('keeps its bytes where the workload is %s, so that it can be opened', async (lock, update) => {
    const annotation = lock === 'locked' ? 'fluxcd.io/locked' : 'fluxcd.io/ignore'
    const plain = deployment(app('1.0.0'), { [annotation]: 'true' }).replace('spec:\n', 'spec:\n  password: x\n')
    const text = sops(['encrypt', '--encrypted-regex', '^password$', '--age', recipient], plain)
    expect(text).toContain(app('1.0.0'))
    bench.push({ 'web.yaml': text })
    expect(await run(await ask(update()))).toMatchObject({
      revision: '',
      result: { [web]: { Status: 'failed', Error: 'the file is encrypted with SOPS; edit it by hand' } },
    })
    expect(bench.file('web.yaml')).toBe(text)
    expect(sops(['decrypt'], bench.file('web.yaml'))).toContain('password: x')
  })
})

describe('changes of policies', () => {
  it('write annotations and no other byte; what is so already is no commit', async () => {
    const lock = policy(web, { add: { locked: 'true', locked_msg: 'a = b' } })
    expect(await run(await ask(lock))).toMatchObject({ result: { [web]: { Status: 'success' } } })
    const text = bench.file('web.yaml')
    expect(text.replace(/^ {4}fluxcd\.io\/locked.*\n/gm, '')).toBe(
      deployment(app('1.0.0'), { 'fluxcd.io/tag.app': 'semver:~1' }),
    )
    expect(bench.subjects()).toEqual([`Locked: ${web}`, 'change'])
    expect(await run(await ask(lock))).toMatchObject({ revision: '', result: { [web]: { Status: 'skipped' } } })
    expect(bench.subjects()).toHaveLength(2)
    const nobody = await run(await ask(policy('default:deployment/nobody', { add: { locked: 'true' } })))
    expect(nobody).toMatchObject({ result: { 'default:deployment/nobody': { Status: 'failed' } } })
  })

  it('that automate are followed by an update of what the policies choose, and others are not', async () => {
    const updates = () => bench.queue.requests.filter(({ kind }) => kind === 'update-images')
    await run(await ask(policy(web, { remove: { automated: 'true' } })))
    expect(updates()).toEqual([])
    await run(await ask(policy(web, { add: { automated: 'true' } })))
    expect(updates()).toEqual([expect.objectContaining({ name: bench.spec.name, lane: 'image' })])
    await bench.update()
    expect(bench.file('web.yaml')).toContain(app('1.0.1'))
  })

  it('of several people at the same time all land, each as a commit', async () => {
    const asked = await Promise.all([
      ask(policy(web, { add: { locked: 'true' } })),
      ask(policy(other, { remove: { automated: 'true' } })),
      ask(policy(web, { add: { 'tag.app': 'glob:*-x' } })),
      ask(release([other])),
    ])
    const answers = await Promise.all(asked.map((request) => run(request)))
    expect(new Set(answers.map((answer) => answer?.revision)).size).toBe(4)
    expect(bench.file('web.yaml')).toMatch(/locked: 'true'[^]*glob:\*-x/)
    expect(bench.file('other.yaml')).toBe(deployment(app('1.0.1'), {}, 'other').replace(/ {2}annotations:\n.*\n/, ''))
    expect(bench.subjects()).toHaveLength(5)
  })
})
