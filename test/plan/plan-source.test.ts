import { execFileSync } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import { gcMark } from '../../src/domain/manifest/gc-mark.ts'
import type { Plan } from '../../src/domain/plan/plan.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { syncSetOf } from '../../src/domain/source/sync-set.ts'
import { writeTar } from '../../src/lib/tar.ts'
import { stack } from '../stack/stack.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

async function start(change: Partial<SourceSpec> = {}): Promise<Workbench> {
  const bench = await createWorkbench(change)
  cleanUps.push(() => bench.close())
  return bench
}

function config(name: string, data: Record<string, string>, extra = ''): string {
  const lines = Object.entries(data).map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`)
  return `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${extra}data:\n${lines.join('\n')}\n`
}

function secret(name: string, data: Record<string, string>): string {
  return config(name, data).replace('ConfigMap', 'Secret').replace('\ndata:', '\nstringData:')
}

function archive(files: Record<string, string>): Uint8Array {
  return writeTar(Object.entries(files).map(([path, text]) => ({ path, bytes: new TextEncoder().encode(text) })))
}

function brief({ changes }: Plan): Record<string, string> {
  return Object.fromEntries(changes.map(({ id, action }) => [id, action]))
}

/** Every object of the test's namespaces with its resource version, but for what Kubernetes puts there in its own time. */
async function versions({ cluster, spec, target }: Workbench): Promise<unknown> {
  const kinds = ['ConfigMap', 'Secret']
  const lists = await Promise.all(
    [spec.namespace, target].flatMap((namespace) =>
      kinds.map((kind) => cluster.list({ apiVersion: 'v1', kind, namespace, metadataOnly: true })),
    ),
  )
  const ours = lists.flat().filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')
  return ours.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name, metadata.resourceVersion])
}

describe('a plan', () => {
  it('says what a sync would do to each object, and writes nothing', async () => {
    const bench = await start()
    const { target } = bench
    bench.push({
      'a.yaml': config('stays', { a: '1' }),
      'b.yaml': config('changes', { a: '1' }),
      'c.yaml': config('goes', {}),
    })
    await bench.sync()
    const before = await versions(bench)
    bench.writes()
    const commit = bench.push({
      'a.yaml': config('stays', { a: '1' }),
      'b.yaml': config('changes', { a: '2' }),
      'd.yaml': config('comes', { a: '1' }),
      'e.yaml': config('left', {}, '  annotations: {fluxcd.io/ignore: "true"}\n'),
    })
    const plan = await bench.plan()
    expect(plan).toMatchObject({ state: 'done', revision: `main@${commit}`, reason: '', warnings: [], held: [] })
    expect(brief(plan)).toEqual({
      [`${target}:configmap/changes`]: 'configured',
      [`${target}:configmap/comes`]: 'created',
      [`${target}:configmap/left`]: 'skipped',
      [`${target}:configmap/goes`]: 'deleted',
    })
    expect(plan.counts).toEqual({ created: 1, configured: 1, unchanged: 1, deleted: 1, skipped: 1, failed: 0, held: 0 })
    const changed = plan.changes.find(({ action }) => action === 'configured')
    expect(changed).toMatchObject({ file: 'b.yaml', line: 1 })
    expect(changed?.diff?.split('\n').filter((line) => /^[+-]/.test(line))).toEqual(['-  a: "1"', '+  a: "2"'])
    expect(changed?.diff).not.toContain('fluxcd.io')
    expect(await versions(bench)).toEqual(before)
    await bench.sync()
    expect((await bench.plan()).counts).toMatchObject({
      created: 0,
      configured: 0,
      deleted: 0,
      unchanged: 3,
      skipped: 1,
    })
  })

  it('has objects that fail, without losing the others, and deletes nothing beside them', async () => {
    const bench = await start()
    const { target } = bench
    bench.push({ 'a.yaml': config('goes', {}) })
    await bench.sync()
    bench.push({
      'b.yaml': config('Not_A_Name', {}),
      'c.yaml': config('comes', {}),
      'd.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: [\n',
      'e.yaml': 'apiVersion: nowhere.example/v1\nkind: Nothing\nmetadata: {name: x}\n',
    })
    const plan = await bench.plan()
    expect(plan.counts).toMatchObject({ created: 1, failed: 3, deleted: 0 })
    const failed = plan.changes.filter(({ action }) => action === 'failed')
    expect(Object.fromEntries(failed.map(({ reason, file }) => [file, reason]))).toEqual({
      'b.yaml': 'ApplyRefused',
      'd.yaml': 'InvalidYAML',
      'e.yaml': 'UnknownKind',
    })
    expect(brief(plan)[`${target}:configmap/comes`]).toBe('created')
    expect(plan.warnings).toEqual([
      expect.stringContaining('1 objects left git and stay: something could not be loaded'),
    ])
  })

  it('shows deletions that are held, and what lets them go', async () => {
    const bench = await start()
    const files = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`${at}.yaml`, config(`c${at}`, {})]))
    bench.push(files)
    await bench.sync()
    const commit = bench.push({ '0.yaml': config('c0', {}) })
    const plan = await bench.plan()
    expect(plan.counts).toMatchObject({ deleted: 0, held: 11, unchanged: 1 })
    expect(plan.held[0]).toMatchObject({
      reason: 'MassDeletion',
      message: expect.stringContaining(`capstan approve --commit ${commit}`),
    })
    await bench.sync()
    const approved = await bench.change({ kind: 'change-source', change: 'approve', commit })
    expect(approved).toMatchObject({ end: 'done', summary: expect.stringMatching(/approved → sync-source\.1$/) })
    expect((await bench.plan()).counts).toMatchObject({ deleted: 11, held: 0 })
  })

  it('knows of namespaces and definitions that the same revision brings', async () => {
    const bench = await start()
    const group = `${bench.target}.example`
    const namespace = `${bench.target}-new`
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `things.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind: 'Thing', plural: 'things', singular: 'thing', listKind: 'ThingList' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    }
    bench.push({
      'crd.yaml': JSON.stringify(definition),
      'thing.yaml': `apiVersion: ${group}/v1\nkind: Thing\nmetadata: {name: one}\n`,
      'ns.yaml': `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${namespace}}\n`,
      'in.yaml': config('inside', {}, `  namespace: ${namespace}\n`),
      'nowhere.yaml': config('lost', {}, `  namespace: ${namespace}-not\n`),
    })
    const plan = await bench.plan()
    expect(plan.counts).toMatchObject({ created: 4, failed: 1 })
    const message = (id: string) => plan.changes.find((change) => change.id === id)?.message
    expect(message(`${namespace}:configmap/inside`)).toBe(
      `the namespace ${namespace} is made by the same revision; not tried`,
    )
    expect(message(`${bench.target}:thing/one`)).toBe('the definition of Thing is made by the same revision; not tried')
    expect(message(`${namespace}-not:configmap/lost`)).toContain(`${namespace}-not`)
  })

  it('masks Secrets and their values everywhere', async () => {
    const bench = await start()
    const [old, fresh] = ['correct-horse-battery', 'staple-battery-horse']
    bench.push({
      'a.yaml': secret('db', { password: old, user: 'not-secret-user' }),
      'b.yaml': config('web', { url: `db://x:${old}@h` }),
    })
    await bench.sync()
    bench.push({
      'a.yaml': secret('db', { password: fresh, user: 'not-secret-user' }),
      'b.yaml': config('web', { url: `db://x:${fresh}@h` }),
    })
    const plan = await bench.plan()
    expect(plan.counts).toMatchObject({ configured: 2 })
    const text = JSON.stringify(plan)
    for (const value of [old, fresh, 'not-secret-user']) {
      expect(text).not.toContain(value)
      expect(text).not.toContain(Buffer.from(value).toString('base64').replace(/=+$/, ''))
    }
    expect(plan.changes[0]?.diff).toContain('+  password: "***** (changed)"')
    expect(plan.changes[1]?.diff).toContain('+  url: db://x:*****@h (changed)')
  })

  it('of an uploaded folder reads its files as if they were pushed, and no other program sees them', async () => {
    const bench = await start()
    const { target } = bench
    bench.push({ 'a.yaml': config('stays', { a: '1' }), 'b.yaml': config('goes', {}) })
    await bench.sync()
    const plan = await bench.plan({
      files: archive({ 'a.yaml': config('stays', { a: '1' }), 'c.yaml': config('comes', {}) }),
    })
    expect(plan).toMatchObject({ state: 'done', revision: 'upload', counts: { unchanged: 1 } })
    expect(brief(plan)).toEqual({ [`${target}:configmap/comes`]: 'created', [`${target}:configmap/goes`]: 'deleted' })
    expect((await bench.plan()).changes).toEqual([])
  })

  it('of an uploaded folder says which files are encrypted, plans the others, and deletes no object of them', async () => {
    const bench = await start({ sops: true })
    const { target } = bench
    bench.push({ 'a.yaml': config('sealed', { a: '1' }), 'b.yaml': config('goes', {}) })
    await bench.sync()
    const metadata = 'sops:\n    age:\n        - recipient: age1x\n    version: 3.10.2\n'
    const sealed = `${config('sealed', { a: 'ENC[AES256_GCM,data:x]' })}${metadata}`
    const talks = config('talks', { a: 'of sops: nothing' })
    const plan = await bench.plan({ files: archive({ 'a.yaml': sealed, 'c.yaml': talks }) })
    expect(brief(plan)).toEqual({
      [`${target}:configmap/sealed`]: 'skipped',
      [`${target}:configmap/talks`]: 'created',
      [`${target}:configmap/goes`]: 'deleted',
    })
    const why = { file: 'a.yaml', message: expect.stringContaining('encrypted with sops and not looked into') }
    expect(plan.changes.find(({ action }) => action === 'skipped')).toMatchObject(why)
    expect(plan.counts).toEqual({ created: 1, configured: 0, unchanged: 0, deleted: 1, skipped: 1, failed: 0, held: 0 })

    const whole = `kind: ENC[AES256_GCM,data:x]\nmetadata:\n    name: ENC[AES256_GCM,data:y]\n${metadata}`
    const blind = await bench.plan({ files: archive({ 'a.yaml': whole, 'c.yaml': talks }) })
    expect(blind.changes).toMatchObject([
      { id: `${target}:configmap/talks`, action: 'created' },
      { id: '', ...why },
    ])
    expect(blind.counts).toMatchObject({ created: 1, deleted: 0, skipped: 1, failed: 0 })
  })

  it.each<[who: string, account: string, seen: 'none' | 'there' | 'all', isMade: boolean]>([
    ['who may see nothing whole', '', 'none', false],
    ['who may see the namespace of the source whole', '', 'there', false],
    ['who may see everything whole', '', 'all', true],
    ['who may see nothing whole, though an account bounds the source', 'reader', 'none', false],
    ['who may see all that the account of the source is meant for', 'reader', 'there', true],
  ])('of an uploaded folder is made for who may look where the source may: %s', async (_who, account, seen, isMade) => {
    const bench = await start({ serviceAccount: account })
    const { cluster, spec, target } = bench
    bench.push({ 'a.yaml': config('stays', {}) })
    // of nobody's source, as kubectl made it: the upload guesses its name
    const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: target, name: 'foreign' } }
    await cluster.create({ ...foreign, data: { told: 'to nobody' } })
    const files = archive({ 'b.yaml': config('foreign', { guess: 'a' }) })
    const places = { none: undefined, there: spec.namespace, all: '' }
    const plan = await bench.plan({ files, seen: places[seen] })
    expect([plan.state, plan.reason]).toEqual(isMade ? ['done', ''] : ['failed', 'NotFollowed'])
    expect(plan.changes.some(({ id }) => id === `${target}:configmap/foreign`)).toBe(isMade)
    if (!isMade) expect(bench.tried()).toBe(0)
  })

  it.each<[what: string, files: Uint8Array, message: RegExp]>([
    ['is no archive', new TextEncoder().encode('x'.repeat(2000)), /it is not a tar archive/],
    ['leaves the folder', archive({ '../a.yaml': '' }), /not a path inside the archive/],
    ['is damaged gzip', Uint8Array.of(0x1f, 0x8b, 1, 2, 3), /no gzip file/],
  ])('of an upload that %s fails and says so', async (_what, files, message) => {
    const bench = await start()
    bench.push({ 'a.yaml': config('a', {}) })
    expect(await bench.plan({ files })).toMatchObject({
      state: 'failed',
      reason: 'InvalidUpload',
      message: expect.stringMatching(message),
    })
  })

  it('of another commit, tag or branch leaves what follows the branch alone', async () => {
    const bench = await start()
    const first = bench.push({ 'a.yaml': config('one', { a: '1' }) })
    bench.inWork('tag', 'v1')
    bench.push({ 'a.yaml': config('one', { a: '2' }) })
    bench.inWork('push', '-q', bench.spec.url, 'v1')
    await bench.sync()
    for (const ref of [first, first.slice(0, 10), 'v1']) {
      const plan = await bench.plan({ ref })
      expect(plan.counts).toMatchObject({ configured: 1 })
      expect(plan.revision.endsWith(`@${first}`)).toBe(true)
    }
    expect((await bench.plan()).changes).toEqual([])
    expect(await bench.plan({ ref: 'no-such-branch' })).toMatchObject({ state: 'failed', reason: 'GitRefNotFound' })
  })

  it('of a branch that nobody has merged is made for who may look where the source may, and runs no generator for others', async () => {
    const rendered: string[] = []
    const bench = await start({ generate: true, serviceAccount: 'reader' })
    bench.render = async ({ commit }) => {
      rendered.push(commit)
      return { plainPaths: undefined, outputs: [], problems: [], warnings: [] }
    }
    const { spec, target } = bench
    const first = bench.push({ 'a.yaml': config('one', {}) })
    bench.inWork('tag', 'v1')
    const second = bench.push({ 'a.yaml': config('one', { a: '2' }) })
    bench.inWork('checkout', '-q', '-b', 'theirs', first)
    bench.inWork('commit', '-q', '--allow-empty', '-m', 'not merged')
    const theirs = bench.inWork('rev-parse', 'HEAD').trim()
    bench.inWork('push', '-q', spec.url, 'theirs', 'v1')
    const refused = {
      state: 'failed',
      reason: 'NotFollowed',
      message: expect.stringMatching(
        /^(theirs|[0-9a-f]{40}) is not what source .* takes list .* release workloads\.capstan\.dev in all namespaces/,
      ),
    }
    for (const seen of [undefined, spec.namespace, target])
      for (const ref of ['theirs', theirs]) expect(await bench.plan({ ref, seen })).toMatchObject(refused)
    expect([rendered, bench.tried()]).toEqual([[], 0])

    // what is or was followed needs no more than the right to plan
    for (const ref of ['main', second, 'v1', first.slice(0, 12)])
      expect(await bench.plan({ ref, seen: undefined })).toMatchObject({
        state: 'done',
        revision: expect.stringContaining('@'),
      })
    expect(new Set(rendered)).toEqual(new Set([first, second]))
    expect(await bench.plan({ ref: 'theirs' })).toMatchObject({ state: 'done', revision: `theirs@${theirs}` })
    expect(rendered).toContain(theirs)

    // a merge that this process has not fetched yet counts
    bench.inWork('checkout', '-q', 'main')
    bench.inWork('merge', '-q', '--no-edit', 'theirs')
    bench.inWork('push', '-q', spec.url, 'main')
    expect(await bench.plan({ ref: theirs, seen: undefined })).toMatchObject({ state: 'done' })
  })

  it('says nothing about a cluster as fluxd left it', async () => {
    const bench = await start()
    const { target, spec } = bench
    bench.push({ 'a.yaml': config('web', { a: '1' }) })
    const ref = { kind: 'ConfigMap', namespace: target, name: 'web' }
    const mark = gcMark(syncSetOf(spec), ref)
    const applied = config(
      'web',
      { a: '1' },
      `  namespace: ${target}\n  labels: {fluxcd.io/sync-gc-mark: ${mark}}\n  annotations: {fluxcd.io/sync-checksum: abc}\n`,
    )
    const { kubectl, kubeconfig } = stack()
    execFileSync(kubectl, ['--kubeconfig', kubeconfig, 'apply', '-f', '-'], { input: applied, stdio: 'pipe' })
    expect(await bench.plan()).toMatchObject({ state: 'done', changes: [], counts: { unchanged: 1 } })
    expect(bench.tried()).toBe(1)
    bench.push({ 'a.yaml': config('web', { b: '1' }) })
    const [change] = (await bench.plan()).changes
    expect(change?.diff?.split('\n').filter((line) => /^[+-]/.test(line))).toEqual(['-  a: "1"', '+  b: "1"'])
  })

  it('of 1,000 objects that are as they should be tries none', async () => {
    const bench = await start()
    const files = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`${at}.yaml`, config(`c${at}`, { at: `${at}` })]),
    )
    bench.push(files)
    await bench.sync()
    bench.tried()
    const plan = await bench.plan()
    expect(plan.counts).toMatchObject({ unchanged: 1000, created: 0 })
    expect(bench.tried()).toBe(0)
    const full = await bench.plan({ full: true })
    expect(full).toMatchObject({ changes: [], counts: { unchanged: 1000 } })
    expect(bench.tried()).toBe(1000)
  })
})

describe('a forged request', () => {
  it('for a plan does nothing', async () => {
    const bench = await start()
    const id = 'a'.repeat(32)
    expect(await bench.runPlan(`default@${id}`)).toMatchObject({
      end: 'done',
      summary: expect.stringContaining('there is no such request'),
    })
    await bench.store.set(`request:${id}`, `${'0'.repeat(64)} {"id":"${id}","ask":{"kind":"plan-source"}}`)
    expect(await bench.runPlan(`default@${id}`)).toMatchObject({ summary: expect.stringContaining('not signed by us') })
    expect(await bench.requests.plan(id)).toBeUndefined()
    expect(bench.tried()).toBe(0)
  })
})
