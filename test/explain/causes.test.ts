import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { configMap, deployment } from '../e2e/manifests.ts'
import { startDenyingWebhook } from './denying-webhook.ts'
import { type ExplainWorld, startExplainWorld } from './world.ts'

const automated = '    fluxcd.io/automated: "true"\n    fluxcd.io/tag.web: semver:~1.0\n'
const locked = `${automated}    fluxcd.io/locked: "true"\n    fluxcd.io/locked_user: ana\n    fluxcd.io/locked_msg: audit\n`

/** Its pods stay without a node, so that nobody plays a kubelet for them but the test. */
const unscheduled = (text: string) =>
  text.replace('      containers:', '      schedulerName: nobody\n      containers:')

describe('what stops a deployment, seeded for real', () => {
  let world: ExplainWorld

  const many = (space: string, count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [`many/${at}.yaml`, configMap(`many-${at}`, space, 'a')]),
    )
  const release = (name: string, space: string, spec: string, annotations = '{}') =>
    `apiVersion: helm.fluxcd.io/v1\nkind: HelmRelease\nmetadata: {name: ${name}, namespace: ${space}, annotations: ${annotations}}\nspec:\n${spec}`

  beforeAll(async () => {
    world = await startExplainWorld(({ space, image, charts, private: refusing, busy }) => {
      const chart = `  releaseName: NAME\n  timeout: 3\n  chart: {repository: "${charts.url}", name: hooked, version: 1.0.0}\n`
      return {
        'badtag.yaml': unscheduled(deployment('badtag', space, { replicas: 1, image: `${image}:nope` })),
        'private.yaml': deployment('private', space, {
          replicas: 0,
          image: `${refusing.host}/shop/web:1.0.0`,
          annotations: automated,
        }),
        'busy.yaml': deployment('busy', space, {
          replicas: 0,
          image: `${busy.host}/shop/web:1.0.0`,
          annotations: automated,
        }),
        'locked.yaml': deployment('locked', space, { replicas: 0, image: `${image}:1.0.0`, annotations: locked }),
        'pull.yaml': unscheduled(deployment('pull', space, { replicas: 1, image: `${image}:1.0.1` })),
        'fine.yaml': deployment('fine', space, { replicas: 0, image: `${image}:1.0.1`, annotations: automated }),
        'hooked.yaml': release('hooked', space, chart.replace('NAME', 'hooked')),
        'dependent.yaml': release(
          'dependent',
          space,
          chart.replace('NAME', 'dependent'),
          '{capstan.dev/dependsOn: hooked}',
        ),
        ...many(space, 24),
      }
    })
    await until(
      'all is applied',
      async () =>
        (await world.explain(`source/${world.source}`)).steps.some(
          ({ step, state }) => step === 'apply' && state === 'done',
        ),
      { logFile: world.capstan.logFile },
    )
    for (const image of [world.image, `${world.private.host}/shop/web`, `${world.busy.host}/shop/web`])
      await world.notify(image)
  })

  afterAll(async () => {
    await world?.stop()
  })

  const idOf = (name: string) => `${world.space}:deployment/${name}`
  /** A fetch that takes a while makes a subject wait meanwhile. */
  const untilDone = async (subject: string) =>
    await until(`${subject} is done`, async () => (await world.explain(subject)).state === 'done', {
      logFile: world.capstan.logFile,
    })

  it('nothing: every step is done, with its time', async () => {
    const { state, cause, steps } = await until('the tags are known', async () => {
      const found = await world.explain(idOf('fine'))
      return found.state === 'done' && found
    })
    expect({ state, cause }).toEqual({ state: 'done', cause: null })
    expect(steps.map(({ step, state: is }) => `${step} ${is}`)).toEqual([
      'tag done',
      'policy done',
      'commit done',
      'revision done',
      'queue done',
      'hold done',
      'apply done',
      'rollout done',
    ])
    expect(steps.filter(({ at }) => Number.isNaN(Date.parse(at)))).toEqual([])
  })

  it('a tag that the registry does not have', async () => {
    const { cause } = await world.untilCause(idOf('badtag'), 'TagNotFound')
    expect(cause).toMatchObject({
      step: 'tag',
      of: `${world.image}:nope`,
      message: expect.stringContaining('no tag nope'),
      unblock: expect.stringContaining('Push it'),
    })
  })

  it('a registry that refuses the credentials', async () => {
    const { cause } = await world.untilCause(idOf('private'), 'RegistryAuthFailed', 'next try')
    expect(cause).toMatchObject({ step: 'tag', message: expect.stringContaining('401') })
    expect(Date.parse(cause?.nextTryAt ?? '')).toBeGreaterThan(Date.now() - 600_000)
  })

  it('a registry that asks to slow down, with the time that it gave', async () => {
    const { cause } = await world.untilCause(idOf('busy'), 'RateLimited', 'next try')
    expect(cause).toMatchObject({ step: 'tag', message: expect.stringContaining(`${world.busy.host} asks us to wait`) })
    expect(Date.parse(cause?.nextTryAt ?? '')).toBeGreaterThan(Date.now() + 300_000)
  })

  it('a lock, with its reason', async () => {
    const { cause } = await world.untilCause(idOf('locked'), 'Locked')
    expect(cause).toMatchObject({
      step: 'commit',
      message: 'web waits for 1.0.1: locked by ana: audit',
      command: `capstan unlock --workload ${idOf('locked')}`,
    })
    const { code, stdout } = await world.capstan.cli('explain', 'locked')
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /^workload .*:deployment\/locked: stopped at commit\n\n {2}why {7}Locked web waits for 1\.0\.1: locked by ana: audit\n/,
    )
  })

  it('an image that no node can pull', async () => {
    const pods = { apiVersion: 'v1', kind: 'Pod', namespace: world.space, labelSelector: 'app=pull' }
    const [pod] = await until('there is a pod', async () => {
      const found = await world.cluster.list(pods)
      return found.length > 0 && found
    })
    // the part of the kubelet
    const waiting = { reason: 'ImagePullBackOff', message: 'Back-off pulling image: unauthorized' }
    const container = { name: 'web', image: 'x', imageID: '', ready: false, restartCount: 0, state: { waiting } }
    const ref = { apiVersion: 'v1', kind: 'Pod', namespace: world.space, name: pod?.metadata.name ?? '' }
    await world.cluster.patch(ref, { status: { containerStatuses: [container] } }, { subresource: 'status' })
    const { cause } = await world.untilCause(idOf('pull'), 'ImagePullFailed')
    expect(cause).toMatchObject({ step: 'rollout', of: idOf('pull'), message: expect.stringContaining('unauthorized') })
  })

  it('a hook of a chart that fails, and a release that waits for that one', async () => {
    const { cause, subject } = await world.untilCause('release/hooked', 'HookFailed', 'next try')
    expect(subject).toEqual({ kind: 'release', id: `${world.space}/hooked` })
    expect(cause).toMatchObject({ step: 'apply', message: expect.stringContaining('pre-install') })
    const waiting = await world.untilCause(`${world.space}:helmrelease/dependent`, 'DependencyNotReady')
    expect(waiting.cause).toMatchObject({ step: 'hold', message: expect.stringContaining(`${world.space}/hooked`) })
  })

  it('a quota', async () => {
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace: world.space } }
    await world.cluster.create({ ...quota, spec: { hard: { 'count/services': '0' } } })
    const ref = { apiVersion: 'v1', kind: 'ResourceQuota', namespace: world.space, name: 'none' }
    await until('the quota counts', async () =>
      JSON.stringify((await world.cluster.get(ref))?.status ?? {}).includes('used'),
    )
    await world.repository.change({
      'service.yaml': `apiVersion: v1\nkind: Service\nmetadata: {name: full, namespace: ${world.space}}\nspec: {ports: [{port: 80}]}\n`,
    })
    const { cause } = await world.untilCause(`${world.space}:service/full`, 'QuotaExceeded', 'next try')
    expect(cause).toMatchObject({
      step: 'apply',
      message: expect.stringMatching(/^service\.yaml:1: .*exceeded quota: none/),
      unblock: expect.stringContaining('Raise the quota'),
    })
    await untilDone(idOf('fine'))
    await world.repository.change({ 'service.yaml': undefined })
  })

  it('a webhook that says no', async () => {
    const webhook = await startDenyingWebhook(world.cluster, { namespace: world.space, words: 'not on a Friday' })
    try {
      await world.repository.change({ 'friday.yaml': configMap('friday', world.space, 'a') })
      const { cause } = await world.untilCause(`${world.space}:configmap/friday`, 'AdmissionDenied')
      expect(cause).toMatchObject({ step: 'apply', message: expect.stringContaining('not on a Friday') })
      const source = await world.untilCause('source/default', 'AdmissionDenied')
      expect(source.cause).toMatchObject({ of: world.source, message: expect.stringContaining('friday.yaml:1') })
    } finally {
      await webhook.stop()
      await world.repository.change({ 'friday.yaml': undefined })
    }
  })

  it('a commit: applied, or held by a suspension that says who and why, and unknown ones', async () => {
    const applied = await world.repository.git('rev-parse', 'HEAD')
    await untilDone(applied.slice(0, 8))
    const { code } = await world.capstan.cli('suspend', '--reason', 'audit', '--user', 'ana')
    expect(code).toBe(0)
    const held = await world.repository.change({ 'late.yaml': configMap('late', world.space, 'a') })
    const { cause, subject } = await world.untilCause(held, 'Suspended')
    expect(subject).toEqual({ kind: 'commit', id: held })
    expect(cause).toMatchObject({
      step: 'hold',
      message: expect.stringMatching(/ana.*audit/),
      command: `capstan resume ${world.source}`,
      nextTryAt: '',
    })
    await untilDone(applied)
    expect((await world.capstan.cli('resume', '--user', 'ana')).code).toBe(0)
    await untilDone(held)
    expect((await world.capstan.cli('explain', 'fedcba9876')).code).toBe(4)
  })

  it('a mass deletion that waits for approval', async () => {
    const gone = Object.fromEntries(Array.from({ length: 24 }, (_, at) => [`many/${at}.yaml`, undefined]))
    const commit = await world.repository.change(gone)
    const { cause } = await world.untilCause('source/default', 'MassDeletion')
    expect(cause).toMatchObject({ step: 'hold', command: `capstan approve ${world.source} --commit ${commit}` })
    const one = await world.untilCause(`${world.space}:configmap/many-3`, 'MassDeletion')
    expect(one.cause).toMatchObject({ step: 'hold' })
    await untilDone(idOf('fine'))
    await world.untilCause(commit, 'MassDeletion')
  })

  it('a branch that moves whenever an image is committed', async () => {
    // somebody else is faster every time: the server moves the branch between our fetch and our push
    const hook = join(world.repository.server.root, 'repo.git', 'hooks', 'update')
    const who = 'GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x'
    const move = `git update-ref refs/heads/main $(${who} git commit-tree -p main -m faster 'main^{tree}')`
    writeFileSync(hook, `#!/bin/sh\n[ "$1" = refs/heads/main ] && ${move}\nexit 0\n`)
    await world.repository.git('pull', '-q', '--rebase', 'origin', 'main')
    const path = join(world.repository.clone, 'fine.yaml')
    await world.repository.change({
      [path.slice(world.repository.clone.length + 1)]: deployment('fine', world.space, {
        replicas: 0,
        image: `${world.image}:1.0.0`,
        annotations: automated,
      }),
    })
    chmodSync(hook, 0o755)
    try {
      await until('it is on the cluster', async () => (await world.explain(idOf('fine'))).cause?.step === 'commit', {
        logFile: world.capstan.logFile,
      })
      await world.notify(world.image)
      const { cause } = await world.untilCause(idOf('fine'), 'GitConflict', 'next try')
      expect(cause).toMatchObject({ step: 'commit', message: expect.stringContaining('web waits for 1.0.1') })
    } finally {
      rmSync(hook)
    }
  })
})
