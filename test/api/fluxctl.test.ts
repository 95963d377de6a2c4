import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { configMap, deployment } from '../e2e/manifests.ts'
import { rowsOf } from './fluxctl.ts'
import { createFluxWorld, type FluxWorld } from './flux-world.ts'

describe('an unmodified fluxctl 1.25', () => {
  const policies = '    fluxcd.io/automated: "true"\n    fluxcd.io/tag.web: glob:1.0.*\n'
  let world: FluxWorld
  let { space, image, repository, fluxctl, commit }: Omit<FluxWorld, 'api' | 'stop'> = {} as FluxWorld
  const api: FluxWorld['api'] = async (...args) => await world.api(...args)

  beforeAll(async () => {
    world = await createFluxWorld((names) => ({
      'web.yaml': deployment('web', names.space, {
        replicas: 0,
        image: `${names.image}:1.0.1`,
        annotations: policies,
      }),
      'idle.yaml': deployment('idle', names.space, { replicas: 0, annotations: '    fluxcd.io/locked: "true"\n' }),
      'settings.yaml': configMap('settings', names.space, 'one'),
    }))
    ;({ space, image, repository, fluxctl, commit } = world)
  })
  afterAll(async () => await world?.stop())

  it('lists workloads with their policies', async () => {
    await kubectl('create', 'deployment', 'stranger', '-n', space, '--image=other/app:2', '--replicas=0')
    await until(
      'the rollout',
      async () => (await fluxctl.run('list-workloads', '-n', space)).stdout.match(/ready/g)?.length === 3,
    )
    const { code, stdout, stderr } = await fluxctl.run('list-workloads', '-n', space)
    expect([code, stderr]).toEqual([0, ''])
    expect(rowsOf(stdout)).toEqual([
      ['WORKLOAD', 'CONTAINER', 'IMAGE', 'RELEASE', 'POLICY'],
      [`${space}:deployment/idle`, 'web', 'registry.example/web:1.0.0', 'ready', 'locked'],
      [`${space}:deployment/stranger`, 'app', 'other/app:2', 'ready'],
      [`${space}:deployment/web`, 'web', `${image}:1.0.1`, 'ready', 'automated'],
    ])
    const json = JSON.parse((await fluxctl.run('list-workloads', '-a', '-o', 'json')).stdout)
    expect(json.find(({ ID }: { ID: string }) => ID.endsWith('/stranger'))).toMatchObject({ ReadOnly: 'NotInRepo' })
    expect(json.find(({ ID }: { ID: string }) => ID.endsWith('/web'))).toMatchObject({
      ReadOnly: '',
      Status: 'ready',
      Rollout: { Desired: 0, Messages: null },
      Policies: { automated: 'true', 'tag.web': 'glob:1.0.*' },
    })
    expect(rowsOf((await fluxctl.run('list-workloads', '-n', 'no-such', '--no-headers')).stdout)).toEqual([['']])
  })

  it('lists images in the order of their policy, with their times', async () => {
    await until('the scan', async () => (await fluxctl.run('list-images', '-n', space)).stdout.includes('20 Mar 22'))
    const workload = `${space}:deployment/web`
    const { code, stdout } = await fluxctl.run('list-images', '-w', workload)
    expect(code).toBe(0)
    expect(rowsOf(stdout)).toEqual([
      ['WORKLOAD', 'CONTAINER', 'IMAGE', 'CREATED'],
      [workload, 'web', image],
      ['', '|', '2.0.0', '20 Mar 22 13:53 UTC'],
      ['', "'-> 1.0.1", '20 Mar 21 13:53 UTC'],
      ['', '1.0.0', '20 Mar 20 13:53 UTC'],
    ])
    await until('why the other registry could not be read', async () =>
      (await fluxctl.run('list-images', '-w', `${space}:deployment/idle`, '--no-headers')).stdout.includes(
        ' registry.example: ',
      ),
    )
    const limited = await fluxctl.run('list-images', '-w', workload, '-l', '1')
    expect(limited.stdout).toContain("'-> 1.0.1")
    expect(limited.stdout).not.toContain('1.0.0')
    const fields = await api(
      `/v10/images?service=${workload}&containerFields=Name,NewFilteredImagesCount,FilteredImagesCount`,
    )
    expect(await fields.json()).toEqual([
      { ID: workload, Containers: [{ Name: 'web', NewFilteredImagesCount: 0, FilteredImagesCount: 2 }] },
    ])
  })

  it('syncs, and waits until the pushed commit is applied', async () => {
    const pushed = await repository.change({ 'deploy/settings.yaml': configMap('settings', space, 'two') })
    const { code, stderr } = await fluxctl.run('sync')
    expect([code, stderr]).toEqual([
      0,
      [
        `Synchronizing with ${repository.url}`,
        `Revision of main to apply is ${pushed.slice(0, 7)}`,
        `Waiting for ${pushed.slice(0, 7)} to be applied ...`,
        'Done.\n',
      ].join('\n'),
    ])
    expect(JSON.parse(await kubectl('get', 'configmap', 'settings', '-n', space, '-o', 'json')).data.key).toBe('two')
    expect(await (await api(`/v6/sync?ref=${commit}`)).json()).toEqual([])
    expect(await (await api(`/v6/sync?ref=${'f'.repeat(40)}`)).json()).toEqual(['f'.repeat(40)])
  })

  it('is told at an unchanged head what failed, and exits 1 (#3304)', async () => {
    await repository.change({ 'deploy/bad.yaml': deployment('Not_A_Name', space) })
    const first = await fluxctl.run('sync')
    expect([first.code, first.stderr]).toEqual([1, expect.stringContaining('1 of 5 objects failed: ')])
    expect((await fluxctl.run('sync')).code).toBe(1)
    await repository.change({ 'deploy/bad.yaml': undefined })
    expect((await fluxctl.run('sync')).code).toBe(0)
  })

  it('saves what runs, without what does not belong into git', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'capstan-save-'))
    try {
      const { code, stdout } = await fluxctl.run('save', '-o', folder)
      expect(code).toBe(0)
      expect(stdout).toContain(`Saving Namespace '${space}' to ${folder}/${space}-ns.yaml`)
      const saved = readFileSync(join(folder, space, 'web-dep.yaml'), 'utf8')
      expect(saved).toContain(`image: ${image}:1.0.1`)
      expect(saved).not.toMatch(/status:|uid:|managedFields/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('prints no key where there is none', async () => {
    expect(await fluxctl.run('identity')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await fluxctl.run('identity', '-r')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('The repository is not reached by ssh'),
    })
  })

  it.each([
    ['no token', { token: 'wrong' }, ['list-workloads'], 'The request failed authentication'],
    ['a workload that is no ID', {}, ['list-images', '-w', '<cluster>:deployment/x'], ''],
  ])('is told about %s', async (_what, { token }: { token?: string }, args, expected) => {
    const { code, stderr } = await fluxctl.run(...args, ...(token ? ['--token', token] : []))
    expect(code).toBe(expected === '' ? 0 : 1)
    expect(stderr).toContain(expected)
  })

  it('is told of jobs that nobody knows', async () => {
    const answer = await api('/v6/jobs?id=fetch-source.unknown')
    expect([answer.status, await answer.json()]).toEqual([
      404,
      { type: 'missing', error: 'unknown job "fetch-source.unknown"', help: expect.stringContaining('ask again') },
    ])
  })
})
