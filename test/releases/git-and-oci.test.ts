import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGit } from '../../src/adapters/git/index.ts'
import { quiet } from '../cluster/world.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { stack } from '../stack/stack.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

const run = promisify(execFile)

describe('releases whose chart is in git', () => {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-git-release-'))
  const chart = (color: string) => ({
    'Chart.yaml': 'apiVersion: v2\nname: app\nversion: 0.1.0\n',
    'templates/config.yaml': template,
    'values.yaml': `color: ${color}\n`,
  })
  const at = (folder: string, files: Record<string, string>) =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]))
  let bench: ReleaseBench
  let repository: Repository
  let fetches = 0

  beforeAll(async () => {
    bench = await createReleaseBench()
    repository = await createRepository()
    const git = createGit({ directory, timeoutMs: 120_000, log: quiet })
    bench.deps.gitPollIntervalMs = 3_600_000
    bench.deps.git = { ...git, fetch: async (...given) => ((fetches += 1), await git.fetch(...given)) }
  })

  afterAll(async () => {
    await repository.stop()
    await bench.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const put = async (name: string, path: string, values: object = {}, ref = 'main') =>
    await bench.put(name, { releaseName: name, chart: { git: repository.url, ref, path }, values })
  const color = async (name: string) => {
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.namespace, name: `${name}-config` }
    return ((await bench.cluster.get(ref))?.data as Record<string, string> | undefined)?.color
  }
  const fetchesOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = fetches
    await work()
    return fetches - before
  }

  it('are judged by what was pushed before their source was changed', async () => {
    await repository.push(at('charts/a', chart('red')))
    await put('moved', 'charts/a')
    expect(await bench.sync('moved')).toMatchObject({ end: 'done' })
    await repository.push(at('charts/b', chart('green')))
    await put('moved', 'charts/b')
    expect(await bench.sync('moved')).toMatchObject({ end: 'done' })
    expect(await color('moved')).toBe('green')
    await repository.git('push', '-q', 'origin', 'HEAD:next')
    await put('moved', 'charts/b', {}, 'next')
    await bench.sync('moved')
    await put('moved', 'charts/b')
    await bench.sync('moved')
    await repository.push(at('charts/b', chart('blue')))
    await repository.git('push', '-q', 'origin', 'HEAD:next')
    await put('moved', 'charts/b', {}, 'next')
    await bench.sync('moved')
    expect(await color('moved')).toBe('blue')
  })

  it('are fetched once for all who name the same place, and not for other values', async () => {
    const names = ['one', 'two', 'three', 'four']
    const syncAll = async () => await Promise.all(names.map(async (name) => await bench.sync(name)))
    for (const name of names) await put(name, 'charts/b')
    bench.advance(2_000)
    const restart = bench.stopClock()
    expect(await fetchesOf(syncAll)).toBe(1)
    restart()
    for (const name of names) await put(name, 'charts/b', { color: 'black' })
    expect(await fetchesOf(syncAll)).toBe(0)
    expect(await color('four')).toBe('black')
  })
})

describe('a release whose chart is in an OCI registry', () => {
  const { helm, registry } = stack()
  const directory = mkdtempSync(join(tmpdir(), 'capstan-oci-release-'))
  let bench: ReleaseBench

  afterAll(async () => {
    await bench.close()
    rmSync(directory, { recursive: true, force: true })
  })

  it('is installed, and then nothing is started or written', async () => {
    bench = await createReleaseBench()
    const place = `oci://${registry}/releases-${randomBytes(4).toString('hex')}`
    await bench.publish('1.0.0', { 'config.yaml': template })
    const archive = join(directory, 'demo-1.0.0.tgz')
    const answer = await fetch(`${bench.charts.url}/demo-1.0.0.tgz`)
    writeFileSync(archive, Buffer.from(await answer.arrayBuffer()))
    await run(helm, ['push', archive, place, '--plain-http'])
    await bench.put('oci', { releaseName: 'oci', chart: { repository: place, name: 'demo', version: '~1.0' } })
    expect(await bench.sync('oci')).toMatchObject({ end: 'done' })
    expect((await bench.get('oci'))?.status).toMatchObject({ revision: '1.0.0', phase: 'Succeeded' })
    bench.helmRuns()
    bench.writes()
    expect(await bench.sync('oci')).toMatchObject({ end: 'done' })
    expect([bench.helmRuns(), bench.writes()]).toEqual([[], []])
  })
})
