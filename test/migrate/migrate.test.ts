import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { kubeconfigOf } from '../packaging/account.ts'
import { helm, kubectl } from '../packaging/chart.ts'
import { type OldWorld, startOldWorld } from './old-world.ts'

const both = ['--from=flux-v1', '--from=helm-operator']

describe('a cluster that fluxd 1.25 and the Helm Operator 1.4 run', () => {
  let world: OldWorld
  let before: Record<string, string>

  beforeAll(async () => {
    world = await startOldWorld({ flags: ['--sync-garbage-collection'], inGit: true })
    await world.released('shop')
    before = await world.identities()
  })

  afterAll(async () => {
    await world?.stop()
  })

  const revisions = async () =>
    (JSON.parse(await helm('history', 'shop', '-n', world.apps, '-o', 'json')) as { revision: number }[]).length
  const untouched = async () => {
    expect(await world.identities()).toEqual(before)
    expect(await revisions()).toBe(1)
  }

  it('--dry-run lists no unwanted change and touches nothing', async () => {
    const { code, stdout, stderr } = await world.migrate(...both, '--dry-run')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toContain('Of 4 objects that fluxd applied 4 stay as they are.')
    expect(stdout).toContain('1 taken over as they are, no new revision')
    expect(stdout).not.toMatch(/REFUSED|Changed,/)
    expect(parse(world.values())).toMatchObject({
      enable: ['sync', 'images', 'releases'],
      git: { url: world.repository.url, branch: 'main' },
      sync: { state: 'git', interval: '5m' },
      syncGarbageCollection: { enabled: true },
      allowNamespace: world.apps,
      defaultNamespace: world.apps,
    })
    expect(`${stdout}${world.values()}`).not.toMatch(/geheim/)
    for (const name of ['flux', 'helm-operator'])
      expect(await world.replicas(name)).toEqual({ replicas: 1, noted: undefined })
    const { stdout: made } = await kubectl(['get', 'deploy,secret', '-n', world.namespace, '-o', 'name'])
    expect(made).not.toContain('capstan')
    await untouched()
  })

  it('says which changes there are, of what somebody changed by hand', async () => {
    await kubectl([
      '-n',
      world.apps,
      'patch',
      'configmap',
      'settings',
      '--type=merge',
      '-p',
      '{"data":{"mode":"slow"}}',
    ])
    const { stdout } = await world.migrate('--from=flux-v1', '--dry-run')
    expect(stdout).toContain('Of 4 objects that fluxd applied 3 stay as they are.')
    expect(stdout).toContain(`  ${world.apps}:configmap/settings`)
    await kubectl([
      '-n',
      world.apps,
      'patch',
      'configmap',
      'settings',
      '--type=merge',
      '-p',
      '{"data":{"mode":"fast"}}',
    ])
  })

  describe('a failed check leaves all as it was', () => {
    const refused = async (words: RegExp, ...args: string[]) => {
      const { code, stdout, stderr } = await world.migrate(...args)
      expect(code).toBe(1)
      expect(`${stdout}\n${stderr}`).toMatch(words)
      for (const name of ['flux', 'helm-operator'])
        expect(await world.replicas(name)).toEqual({ replicas: 1, noted: undefined })
      const { stdout: made } = await kubectl(['get', 'deploy,secret', '-n', world.namespace, '-o', 'name'])
      expect(made).not.toContain('capstan')
      await untouched()
    }

    it('a fluxd that goes on would start the Helm Operator again', async () => {
      const label = async (text: string) =>
        await kubectl(['-n', world.namespace, 'label', 'deployment/helm-operator', `fluxcd.io/sync-gc-mark${text}`])
      await label('=sha256.x')
      await refused(/REFUSED +Deployment .*set replicas: 0 in git/, '--from=helm-operator')
      await label('-')
    })

    it('helm 2 has a release', async () => {
      const chart = { repository: 'https://charts.example', name: 'a', version: '1.0.0' }
      const kind = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease' }
      const metadata = { name: 'ancient', namespace: world.apps }
      await world.cluster.create({ ...kind, metadata, spec: { chart } })
      await refused(/REFUSED +HelmRelease .*\/ancient: helm 2 has its release/, '--from=helm-operator')
      await world.cluster.delete({ ...kind, ...metadata }, {})
    })

    it('the chart refuses a value', async () => {
      await refused(/helm does not install Capstan: .*nonsense/s, '--from=flux-v1', '--set=nonsense=1')
    })

    it('whoever asks may only look', async () => {
      const { namespace, folder } = world
      await kubectl(['create', 'serviceaccount', 'looker', '-n', namespace])
      const role = `looker-${namespace}`
      await kubectl(['create', 'clusterrole', role, '--verb=get,list', '--resource=*.*'])
      await kubectl([
        'create',
        'clusterrolebinding',
        role,
        `--clusterrole=${role}`,
        `--serviceaccount=${namespace}:looker`,
      ])
      const file = await kubeconfigOf({ namespace, account: 'looker', folder })
      await refused(/you may not patch deployments/, '--from=flux-v1', '--accept=x', `--kubeconfig=${file}`)
      await kubectl(['delete', 'clusterrole,clusterrolebinding', role])
    })
  })

  it.each(['forth', 'and forth again'])(
    'moves %s: the old ones to 0, nothing made anew',
    async () => {
      const moved = await world.migrate(...both)
      expect(moved.stderr).toBe('')
      expect(moved.stdout).toMatch(/first sync of main@[0-9a-f]{40}: \d objects, 0 fail/)
      // fluxd's own Deployment is in git, with one replica
      expect(moved.stdout).toContain(`${world.namespace}:deployment/flux is left as it is (AncestorInSource)`)
      expect(moved.stdout).toContain('1 releases are taken over, 0 with a new revision')
      expect(moved.code).toBe(0)
      for (const name of ['flux', 'helm-operator'])
        expect(await world.replicas(name)).toEqual({ replicas: 0, noted: '1' })
      expect(world.standIn.argv()).toContain(`--git-url=${world.repository.url}`)
      const secret = async (name: string) =>
        (await world.cluster.get({ apiVersion: 'v1', kind: 'Secret', namespace: world.namespace, name }))?.data
      expect(await secret('capstan-env')).toEqual({ PROXY_PASSWORD: 'Z2VoZWlt' })
      expect(await secret('capstan-flux-keys')).toEqual({ age: 'ZWJiZQ==' })
      await untouched()

      const back = await world.migrate(...both, '--back')
      expect(back.stderr).toBe('')
      expect(back.code).toBe(0)
      for (const name of ['flux', 'helm-operator'])
        expect(await world.replicas(name)).toEqual({ replicas: 1, noted: undefined })
      expect(await world.replicas('capstan')).toMatchObject({ replicas: 0 })
      const { stdout } = await kubectl(['get', 'helmrelease', 'shop', '-n', world.apps, '-o', 'json'])
      expect((JSON.parse(stdout) as { metadata: { finalizers?: string[] } }).metadata.finalizers).toBeUndefined()
      await untouched()
      // fluxd's marks are there, so that it goes on
      const settings = await world.cluster.get({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: world.apps,
        name: 'settings',
      })
      expect(settings?.metadata.labels).toMatchObject({
        'fluxcd.io/sync-gc-mark': world.fluxd.mark(settings ?? expect.fail()),
      })
    },
    600_000,
  )

  it('leaves the installing to others when asked to', { timeout: 600_000 }, async () => {
    const { code, stdout } = await world.migrate('--from=flux-v1', '--no-install')
    expect(code).toBe(0)
    expect(stdout).toMatch(/Now install Capstan: helm upgrade --install capstan \S+ --namespace flux-/)
    expect(await world.replicas('flux')).toEqual({ replicas: 0, noted: '1' })
    expect(await world.replicas('capstan')).toMatchObject({ replicas: 0 })
    expect((await world.migrate('--from=flux-v1')).stderr).toContain('has moved already; --back goes back')
    // back the other way, which is the same
    expect(await world.eject('flux-v1', 'flux')).toMatchObject({ code: 0, stderr: '' })
    expect(await world.replicas('flux')).toEqual({ replicas: 1, noted: undefined })
  })

  it('goes back when somebody presses Ctrl-C half-way', { timeout: 600_000 }, async () => {
    expect(await world.interrupt('is scaled to 0', ...both)).toBe(130)
    for (const name of ['flux', 'helm-operator'])
      expect(await world.replicas(name)).toEqual({ replicas: 1, noted: undefined })
    await untouched()
  })

  it('goes back by itself when Capstan does not sync, and says why', { timeout: 600_000 }, async () => {
    world.standIn.refuseToStart()
    const { code, stdout, stderr } = await world.migrate('--from=flux-v1', '--timeout=120s')
    expect(code).toBe(1)
    expect(stdout).toContain('it did not work, so everything goes back')
    expect(stderr).toMatch(/there was no first sync in time.* runs as before/s)
    expect(await world.replicas('flux')).toEqual({ replicas: 1, noted: undefined })
    expect(await world.replicas('capstan')).toMatchObject({ replicas: 0 })
    await untouched()
  })
})
