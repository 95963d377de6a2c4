import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/error.ts'
import { describedKey, readDescribed, readTags, tagsKey } from '../../src/domain/image/facts.ts'
import { openManifests } from '../../src/domain/image/open-manifests.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { fetchKey } from '../../src/domain/source/status.ts'
import type { Outcome } from '../../src/domain/work/job.ts'
import { pushImage } from '../registry/push-image.ts'
import { createWorkbench, deployment, type Workbench } from './workbench.ts'

const semver = { 'fluxcd.io/tag.app': 'semver:~1.0' }
let bench: Workbench

beforeEach(async () => {
  bench = await createWorkbench()
})
afterEach(() => bench.close())

async function pushTags(...tags: string[]): Promise<void> {
  for (const tag of tags) await pushImage(bench.host, `${bench.path}/app`, tag)
}

/** Pushes tags with times, each a day younger than the one before. */
async function pushDays(...tags: string[]): Promise<void> {
  for (const [day, tag] of tags.entries()) {
    await pushImage(bench.host, `${bench.path}/app`, tag, {
      created: new Date(Date.UTC(2026, 0, day + 1)).toISOString(),
    })
  }
}

function loseFence(): never {
  throw new AppError('FenceLost', 'lost')
}

async function fails(reason: 'ClusterUnavailable' | 'RegistryUnreachable'): Promise<never> {
  throw new AppError(reason, 'gone')
}

const away = async () => await fails('ClusterUnavailable')

const app = (tag: string) => `${bench.images}/app:${tag}`
const repository = () => `${bench.images}/app`
const summaryOf = (outcome: Outcome) => (outcome.end === 'done' ? outcome.summary : '')

describe('a new tag', () => {
  it('goes from the registry into git, with the comments in place, and is fetched', async () => {
    await pushTags('1.0.0', '1.0.1', '1.1.0')
    bench.push({ 'deploy/web.yaml': deployment(app('1.0.0'), semver) })
    expect(await bench.scans()).toEqual([repository()])

    expect(summaryOf(await bench.scan(repository()))).toContain('default:deployment/web wants 1.0.1')
    expect(bench.queue.requests).toEqual([
      expect.objectContaining({ kind: 'update-images', namespace: 'capstan-system', name: 'default', lane: 'image' }),
    ])
    const outcome = await bench.update()

    expect(summaryOf(outcome)).toMatch(/^commit [0-9a-f]{12}; default:deployment\/web app: .*app:1\.0\.0 → 1\.0\.1$/)
    expect(bench.file('deploy/web.yaml')).toBe(deployment(app('1.0.1'), semver))
    expect(bench.subjects()).toEqual([`Auto-release ${app('1.0.1')}`, 'change'])
    expect(bench.run('log', '-1', '--format=%an <%ae> %cn <%ce>', 'origin/main').trim()).toBe(
      'Capstan <capstan@example.com> Capstan <capstan@example.com>',
    )
    expect(bench.queue.requests.at(-1)).toMatchObject({ kind: 'fetch-source', name: 'default', lane: 'image' })
    expect(bench.asked.describe).toBe(0)
  })

  it('by time: the newest image and not the highest name', async () => {
    await pushDays('zebra', 'yak', 'ant')
    bench.push({ 'web.yaml': deployment(app('zebra')) })
    await bench.scan(repository())
    await bench.update()
    expect(bench.file('web.yaml')).toBe(deployment(app('ant')))
  })

  it('ends the commit message as was asked', async () => {
    await pushTags('1.0.1')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    await bench.update({ ciSkip: '\n\n[ci skip]' })
    bench.run('fetch', '-q', 'origin', 'main')
    expect(bench.run('log', '-1', '--format=%B', 'origin/main').trim()).toBe(
      `Auto-release ${app('1.0.1')}\n\n[ci skip]`,
    )
  })

  it('for several workloads makes one commit', async () => {
    await pushTags('1.0.0', '1.0.1')
    await pushImage(bench.host, `${bench.path}/other`, '1.0.9')
    const files = {
      'a.yaml': `${deployment(app('1.0.0'), semver, 'a')}---\n${deployment(app('1.0.0'), semver, 'b')}`,
      'b/c.yml': deployment(`${bench.images}/other:1.0.0`, semver, 'c').replaceAll('\n', '\r\n'),
    }
    bench.push(files)
    await bench.update()
    expect(bench.file('a.yaml')).toBe(files['a.yaml'].replaceAll('app:1.0.0', 'app:1.0.1'))
    expect(bench.file('b/c.yml')).toBe(files['b/c.yml'].replace('other:1.0.0', 'other:1.0.9'))
    expect(bench.subjects()).toEqual(['Auto-release multiple (2) images', 'change'])
  })

  it('of a HelmRelease goes into its values', async () => {
    await pushTags('1.0.0', '1.0.1')
    const release = (tag: string) => `apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata:
  name: r
  annotations: { fluxcd.io/automated: "true", filter.fluxcd.io/chart-image: "semver:*" }
spec:
  values:
    image:
      repository: ${bench.images}/app # the image
      tag: ${tag}
`
    bench.push({ 'r.yaml': release('1.0.0') })
    await bench.update()
    expect(bench.file('r.yaml')).toBe(release('1.0.1'))
  })
})

describe('a kustomization that sets the tag', () => {
  it('is what changes, once for all workloads that have the image', async () => {
    await bench.close()
    bench = await createWorkbench({ render: 'auto' })
    await pushTags('1.0.0', '1.0.1')
    const overlay = (tag: string) =>
      `resources: [web.yaml]\nimages:\n  - name: ${bench.images}/app\n    newTag: '${tag}' # see here\n`
    const manifests = `${deployment(app('0.1.0'), semver, 'a')}---\n${deployment(app('0.1.0'), semver, 'b')}`
    bench.push({ 'web.yaml': manifests, 'kustomization.yaml': overlay('1.0.0') })
    expect(summaryOf(await bench.update())).toMatch(/^commit .*deployment\/a .*1\.0\.0 → 1\.0\.1.*deployment\/b /)
    expect(bench.file('kustomization.yaml')).toBe(overlay('1.0.1'))
    expect(bench.file('web.yaml')).toBe(manifests)
  })
})

describe('run again', () => {
  it('finds nothing to do, commits nothing, asks the registry for nothing', async () => {
    await pushDays('a', 'b')
    bench.push({ 'web.yaml': deployment(app('a')) })
    await bench.scan(repository())
    await bench.update()
    bench.restart()
    const before = { ...bench.asked }
    expect(summaryOf(await bench.update())).toMatch(/^nothing to change/)
    expect(bench.asked).toEqual(before)
    await bench.scan(repository())
    expect(bench.asked).toEqual({ ...before, tags: before.tags + 1 })
    expect(bench.subjects()).toHaveLength(2)
    expect(bench.queue.requests.filter(({ kind }) => kind === 'update-images')).toHaveLength(1)
  })

  it('after a lost store does the same work once more and ends the same', async () => {
    await pushDays('a', 'b')
    bench.push({ 'web.yaml': deployment(app('a')) })
    await bench.update()
    await bench.store.delete(tagsKey(repository()))
    bench.restart()
    expect(summaryOf(await bench.update())).toMatch(/^nothing to change/)
    bench.store.goAway()
    expect(summaryOf(await bench.update())).toMatch(/^nothing to change/)
    expect(bench.subjects()).toHaveLength(2)
  })

  it('after a kill between push and fetch asks for the fetch', async () => {
    await pushTags('1.0.1')
    const head = bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    await bench.store.set(
      fetchKey('capstan-system', 'default'),
      JSON.stringify({ at: '', head, reason: '', message: '' }),
    )
    const killed = bench.update({ enqueue: async () => await Promise.reject(new Error('killed')) })
    await expect(killed).rejects.toThrow('killed')
    expect(bench.subjects()).toHaveLength(2)
    bench.restart()
    await bench.update()
    expect(bench.subjects()).toHaveLength(2)
    expect(bench.queue.requests).toEqual([expect.objectContaining({ kind: 'fetch-source' })])
  })
})

describe('a branch that moves', () => {
  /** Git in which somebody does something between the decision and the push. */
  function racing(between: (asked: number) => void): Workbench['git'] {
    let asked = 0
    return {
      ...bench.git,
      changeBranch: async (remote, change, signal) =>
        await bench.git.changeBranch(
          remote,
          {
            ...change,
            async make(base, until) {
              const made = await change.make(base, until)
              between(++asked)
              return made
            },
          },
          signal,
        ),
    }
  }

  it('is fetched and edited again, and nothing of the other commit is lost', async () => {
    await pushTags('1.0.0', '1.0.1')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    const git = racing((asked) => {
      if (asked > 3) return
      bench.push({ 'other.yaml': `# ${asked}\n`, 'web.yaml': `${deployment(app('1.0.0'), semver)}# ${asked}\n` })
    })
    expect(summaryOf(await bench.update({ git }))).toMatch(/^commit/)
    expect(bench.file('web.yaml')).toBe(`${deployment(app('1.0.1'), semver)}# 3\n`)
    expect(bench.file('other.yaml')).toBe('# 3\n')
    expect(bench.subjects()).toEqual([`Auto-release ${app('1.0.1')}`, 'change', 'change', 'change', 'change'])
  })

  it('by whom it was updated already needs no second commit', async () => {
    await pushTags('1.0.1')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    const git = racing((asked) => {
      if (asked === 1) bench.push({ 'web.yaml': deployment(app('1.0.1'), semver) })
    })
    expect(summaryOf(await bench.update({ git }))).toMatch(/^nothing to change/)
    expect(bench.subjects()).toEqual(['change', 'change'])
  })

  it('is shared by several writers: all land', async () => {
    const length = 5
    await pushTags('1.0.0', '1.0.1')
    const files = Object.fromEntries(
      Array.from({ length }, (_, index) => [`d${index}/web.yaml`, deployment(app('1.0.0'), semver, `w${index}`)]),
    )
    bench.push(files)
    const writers = Array.from({ length }, async (_, index) => {
      const spec = { ...bench.spec, paths: [`d${index}`], name: `s${index}` }
      return await bench.update({
        sources: { ...bench.deps.sources, get: () => spec },
      })
    })
    await Promise.all(writers)
    for (let index = 0; index < length; index++) expect(bench.file(`d${index}/web.yaml`)).toContain('app:1.0.1')
    expect(bench.subjects()).toHaveLength(length + 1)
  })
})

describe('what holds an update', () => {
  const rows: [why: string, annotations: Record<string, string>, expected: RegExp][] = [
    ['locked', { ...semver, 'fluxcd.io/locked': 'true' }, /Locked/],
    ['ignored', { ...semver, 'fluxcd.io/ignore': 'true' }, /^nothing to change$/],
    ['not automated', { ...semver, 'fluxcd.io/automated': 'false' }, /^nothing to change$/],
    ['no tag matches', { 'fluxcd.io/tag.app': 'semver:3' }, /NoTag/],
    ['a filter that cannot be read', { 'fluxcd.io/tag.app': 'semver:oops' }, /InvalidPolicy/],
    ['a regexp that cannot be read', { 'fluxcd.io/tag.app': 'regexp:(1' }, /InvalidPolicy/],
  ]
  it.each(rows)('%s', async (_, annotations, expected) => {
    await pushTags('1.0.0', '1.0.1')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), annotations) })
    expect(summaryOf(await bench.update())).toMatch(expected)
    expect(bench.subjects()).toEqual(['change'])
  })

  it('ignore on the live object, under any prefix', async () => {
    await pushTags('1.0.0', '1.0.1')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    const annotations = { 'flux.weave.works/ignore': 'true' }
    bench.cluster.seed([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }])
    bench.cluster.seed([
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: 'default', annotations } },
    ])
    expect(summaryOf(await bench.update())).toContain('default:deployment/web is ignored in the cluster')
    expect(bench.subjects()).toEqual(['change'])
  })

  it('a cluster that does not answer: could-not-read is not absent', async () => {
    await pushTags('1.0.0', '1.0.1')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    bench.cluster.failNext({ verb: 'get', kind: 'Deployment', error: new AppError('ClusterUnavailable', 'gone') })
    await expect(bench.update()).rejects.toMatchObject({ reason: 'ClusterUnavailable' })
    expect(bench.subjects()).toEqual(['change'])
  })

  it('a process that lost its Lease does not push', async () => {
    await pushTags('1.0.0', '1.0.1')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    await expect(bench.update({ fence: { check: loseFence } })).rejects.toMatchObject({ reason: 'FenceLost' })
    expect(bench.subjects()).toEqual(['change'])
  })

  it('registries that are being scanned: several new images make one commit, after ten seconds at the latest', async () => {
    await pushTags('1.0.0', '1.0.1')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    const later = new Date(Date.now() + 11_000)
    const scansLeft = async () => 3
    expect(await bench.update({ scansLeft })).toMatchObject({ end: 'again', why: 'registries are being scanned' })
    expect(bench.subjects()).toEqual(['change'])
    expect(summaryOf(await bench.update({ scansLeft, now: () => later }))).toMatch(/^commit /)
  })

  it('git that is read-only: says what it would do', async () => {
    await pushTags('1.0.0', '1.0.1')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    expect(summaryOf(await bench.update({ readonly: true }))).toMatch(/read-only.*1\.0\.0 → 1\.0\.1/)
    expect(bench.subjects()).toEqual(['change'])
  })

  it('a place that cannot be edited holds only itself', async () => {
    await pushTags('1.0.0', '1.0.1')
    const odd = deployment(app('1.0.0'), semver, 'odd').replace(
      /image: "(.*)"/,
      'image: &i "$1"\n          command: [*i]',
    )
    bench.push({ 'odd.yaml': odd, 'web.yaml': deployment(app('1.0.0'), semver) })
    expect(summaryOf(await bench.update())).toMatch(/^commit.*deployment\/odd app NotEditable: .*used elsewhere/)
    expect(bench.file('odd.yaml')).toBe(odd)
    expect(bench.file('web.yaml')).toContain('app:1.0.1')
  })

  it('a registry that does not answer holds only its own images', async () => {
    await pushTags('1.0.0', '1.0.1')
    const files = {
      'gone.yaml': deployment('127.0.0.1:1/gone:1.0.0', semver, 'gone'),
      'web.yaml': deployment(app('1.0.0'), semver),
    }
    bench.push(files)
    expect(summaryOf(await bench.update())).toMatch(/^commit.*127\.0\.0\.1:1\/gone was left out/)
    await expect(bench.scan('127.0.0.1:1/gone')).rejects.toMatchObject({ reason: 'RegistryUnreachable' })
    expect(bench.file('web.yaml')).toContain('app:1.0.1')
    expect(bench.file('gone.yaml')).toBe(files['gone.yaml'])
  })

  it('a namespace that the source may not touch', async () => {
    await bench.close()
    bench = await createWorkbench({ allowedNamespaces: ['apps'] })
    await pushTags('1.0.0', '1.0.1')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    expect(await bench.scans()).toEqual([])
    expect(summaryOf(await bench.update())).toBe('nothing to change')
  })
})

describe('a scan', () => {
  it('leaves alone what no workload uses, and what is excluded', async () => {
    bench.push({ 'web.yaml': deployment(app('1.0.0'), { 'fluxcd.io/automated': 'false' }) })
    expect(summaryOf(await bench.scan(repository()))).toBe('no workload uses it')
    expect(summaryOf(await bench.scan('169.254.169.254/latest/x'))).toBe('no workload uses it')
    expect(summaryOf(await bench.scan('k8s.gcr.io/pause'))).toBe('excluded from scanning')
    expect(bench.asked).toEqual({ tags: 0, digest: 0, describe: 0 })
  })

  it('looks at the images of tags that the policy can choose, and at no others', async () => {
    await pushDays('dev-1', 'dev-2', 'prod-1', 'latest')
    bench.push({ 'web.yaml': deployment(app('dev-1'), { 'fluxcd.io/tag.app': 'glob:dev-*' }) })
    await bench.scan(repository())
    expect(bench.asked).toEqual({ tags: 1, digest: 0, describe: 2 })
  })

  describe('of what the cluster runs and nobody automates', () => {
    beforeEach(async () => {
      const text = deployment(app('1.0.0'), { 'fluxcd.io/automated': 'true', 'fluxcd.io/tag.app': 'semver:*' })
      const [running] = openManifests(text)
      bench.cluster.seed([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }])
      bench.cluster.seed([{ ...(running?.object as KubeObject), metadata: { name: 'web', namespace: 'default' } }])
      bench.push({ 'README.md': 'nothing is automated' })
      await pushDays('1.0.0', '1.1.0', '1.2.0', 'dev-1')
    })

    it('lists the tags and looks at no image, and asks for no update', async () => {
      expect(await bench.scans()).toEqual([repository()])
      expect(summaryOf(await bench.scan(repository()))).toBe('4 tags')
      expect(bench.asked).toEqual({ tags: 1, digest: 0, describe: 0 })
      expect(bench.queue.requests).toEqual([])
      expect(readTags(await bench.store.get(tagsKey(repository())))?.tags.toSorted()).toEqual([
        '1.0.0',
        '1.1.0',
        '1.2.0',
        'dev-1',
      ])
    })

    it('looks at the newest-looking tags, and at the one that runs, when a person asks', async () => {
      await bench.scan(repository(), 'requested by somebody')
      expect([...readDescribed(await bench.store.get(describedKey(repository()))).keys()].toSorted()).toEqual([
        '1.0.0',
        '1.1.0',
        '1.2.0',
      ])
    })

    it('asks the cluster once a minute, and not where a source may not look', async () => {
      const listed: string[] = []
      const { cluster } = bench
      bench.deps.cluster = {
        get: cluster.get.bind(cluster),
        as: cluster.as.bind(cluster),
        resource: cluster.resource.bind(cluster),
        list: async (query, signal) => (listed.push(query.kind), await cluster.list(query, signal)),
      }
      await bench.scans()
      await bench.scans()
      expect(listed).toEqual(['Deployment', 'DaemonSet', 'StatefulSet', 'CronJob', 'HelmRelease'])
      bench.restart()
      bench.spec.allowedNamespaces = ['other']
      expect(await bench.scans()).toEqual([])
    })

    it('waits for the next scan where the registry cannot be read', async () => {
      bench.deps.registry = { ...bench.deps.registry, tags: async () => await fails('RegistryUnreachable') }
      expect(summaryOf(await bench.scan(repository()))).toBe('not read this time: gone')
      expect(readTags(await bench.store.get(tagsKey(repository())))?.failure).toMatchObject({ message: 'gone' })
      const asked = bench.scan(repository(), 'requested by somebody')
      await expect(asked).rejects.toMatchObject({ reason: 'RegistryUnreachable' })
    })

    it('leaves the automated ones to be scanned while the cluster does not answer', async () => {
      bench.push({ 'other.yaml': deployment(`${bench.images}/other:1`) })
      bench.deps.cluster = {
        get: bench.cluster.get.bind(bench.cluster),
        as: bench.cluster.as.bind(bench.cluster),
        resource: away,
        list: away,
      }
      expect(await bench.scans()).toEqual([`${bench.images}/other`])
      await expect(bench.scan(repository())).rejects.toMatchObject({ reason: 'ClusterUnavailable' })
    })
  })

  it('wants nothing when the tag is the chosen one', async () => {
    await pushTags('1.0.0')
    bench.push({ 'web.yaml': deployment(app('1.0.0'), semver) })
    expect(summaryOf(await bench.scan(repository()))).toBe('1 tags')
    expect(bench.queue.requests).toEqual([])
  })

  it('holds a tag that is gone from the registry and higher than all others', async () => {
    await pushTags('1.0.0')
    bench.push({ 'web.yaml': deployment(app('1.0.7'), semver) })
    expect(summaryOf(await bench.scan(repository()))).toContain('WouldDowngrade')
    expect(bench.queue.requests).toEqual([])
  })

  it('uses the login of an image pull secret', async () => {
    const dockerconfig = { auths: { [bench.host]: { auth: btoa('user:pass-word') } } }
    bench.cluster.seed([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }])
    bench.cluster.seed([
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'pull', namespace: 'default' },
        data: { '.dockerconfigjson': btoa(JSON.stringify(dockerconfig)) },
      },
    ])
    const text = deployment(app('1.0.0'), semver).replace(
      '      containers:',
      '      imagePullSecrets: [{name: pull}]\n      containers:',
    )
    bench.push({ 'web.yaml': text })
    const registered: string[] = []
    bench.deps.redactor = { register: (secrets) => (registered.push(...secrets), () => {}) }
    let seen: unknown
    bench.deps.registry = { ...bench.deps.registry, tags: async (_, access) => ((seen = access), []) }
    await bench.scan(repository())
    expect(seen).toEqual({ insecure: true, auth: { username: 'user', password: 'pass-word' } })
    expect(registered).toEqual(['pass-word'])
  })

  it('goes on where it was slowed down', async () => {
    await pushDays('a', 'b', 'c', 'd')
    bench.push({ 'web.yaml': deployment(app('a')) })
    const { registry } = bench.deps
    let count = 0
    bench.deps.registry = {
      ...registry,
      async describe(...args) {
        if (++count === 3) throw new AppError('RateLimited', 'slower', { retry: { afterMs: 1000 } })
        return await registry.describe(...args)
      },
    }
    await expect(bench.scan(repository())).rejects.toMatchObject({ reason: 'RateLimited' })
    expect(bench.queue.requests).toEqual([])
    bench.deps.registry = registry
    const before = bench.asked.describe
    expect(summaryOf(await bench.scan(repository()))).toContain('wants d')
    expect(bench.asked.describe - before).toBeLessThan(4)
  })

  it('one image that cannot be looked at does not block the others', async () => {
    await pushDays('a', 'b', 'c')
    bench.push({ 'web.yaml': deployment(app('a')) })
    const { registry } = bench.deps
    bench.deps.registry = {
      ...registry,
      async describe(...args) {
        if (args[1] === 'c') throw new AppError('RegistryUnreachable', 'broken')
        return await registry.describe(...args)
      },
    }
    expect(summaryOf(await bench.scan(repository()))).toMatch(/1 images could not be read.*wants b/)
  })
})
