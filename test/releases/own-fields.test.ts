import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { createAccount } from './account.ts'
import { shape } from './own-group.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'
import { appliedStatus } from '../fakes/source-status.ts'

type Named = { name: string }

describe('what Capstan adds to a HelmRelease', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template })
    await bench.publish('1.1.0', { 'config.yaml': `${template}  extra: "1"\n` })
    const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: narrow}\nspec: {ports: [{port: 80}]}\n'
    await bench.publish('1.2.0', { 'config.yaml': template, 'service.yaml': service })
  })

  afterAll(async () => {
    await bench.close()
  })

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })
  const statusOf = async (name: string): Promise<ReleaseStatus> =>
    ((await bench.get(name))?.status ?? {}) as ReleaseStatus
  const messageOf = async (name: string, type: string) =>
    (await statusOf(name)).conditions?.find((one) => one.type === type)?.message
  const configOf = async (release: string, namespace = bench.namespace) =>
    await bench.cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: `${release}-config` })

  describe('suspend', () => {
    it('is told once by an Event and in the log each time that it begins', async () => {
      const told = async () =>
        (await bench.cluster.list({ apiVersion: 'v1', kind: 'Event', namespace: bench.namespace }))
          .filter(({ reason, involvedObject }) => reason === 'Suspended' && (involvedObject as Named).name === 'quiet')
          .map(({ message }) => message)
      const lines: string[] = []
      const { log } = bench.deps
      const noted = { ...log, info: (_: object, text: string) => void lines.push(text), child: () => noted }
      bench.deps.log = noted
      onTestFinished(() => void (bench.deps.log = log))
      const spec = { releaseName: 'quiet', chart: chart('1.0.0') }
      await bench.put('quiet', { ...spec, suspend: { by: 'ana', why: 'audit' } })
      for (let look = 0; look < 2; look++) await bench.sync('quiet')
      expect(await told()).toEqual(['suspended by ana: audit'])
      await bench.put('quiet', spec)
      await bench.sync('quiet')
      await bench.put('quiet', { ...spec, suspend: { by: 'bo', why: 'leave' } })
      for (let look = 0; look < 2; look++) await bench.sync('quiet')
      expect(new Set(await told())).toEqual(new Set(['suspended by ana: audit', 'suspended by bo: leave']))
      expect(lines.filter((line) => line.startsWith('suspended by'))).toHaveLength(2)
    })

    it('says who stopped a release and why, and that is over when it goes on', async () => {
      const spec = { releaseName: 'still', chart: chart('1.0.0') }
      await bench.put('still', spec)
      await bench.sync('still')
      await bench.put('still', { ...spec, suspend: { by: 'ana', why: 'audit' } })
      expect(await bench.sync('still')).toMatchObject({ end: 'done', summary: 'suspended by ana: audit' })
      if (shape === 'ours') expect(await messageOf('still', 'Suspended')).toBe('suspended by ana: audit')
      await bench.put('still', spec)
      await bench.sync('still')
      expect((await statusOf('still')).phase).toBe('Succeeded')
      expect(await messageOf('still', 'Suspended')).toBeUndefined()
    })
  })

  describe('createNamespace', () => {
    it('makes the target namespace only where that is asked for', async () => {
      const targetNamespace = `${bench.namespace}-made`
      const namespace = { apiVersion: 'v1', kind: 'Namespace', name: targetNamespace }
      const spec = { releaseName: 'far', chart: chart('1.0.0'), targetNamespace }
      await bench.put('far', spec)
      expect(await bench.sync('far')).toMatchObject({ end: 'again' })
      expect(await bench.cluster.get(namespace)).toBeUndefined()
      await bench.put('far', { ...spec, createNamespace: true })
      expect(await bench.sync('far')).toMatchObject({ end: 'done' })
      expect(await configOf('far', targetNamespace)).toBeDefined()
      await bench.cluster.delete(namespace, {})
    })
  })

  describe('serviceAccountName', () => {
    const foreign = () => `${bench.namespace}-foreign`
    const account = { serviceAccountName: 'bot' }

    beforeAll(async () => {
      const { cluster, namespace } = bench
      await createAccount(cluster, 'bot', [namespace])
      await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: foreign() } })
      const metadata = { name: 'theirs', namespace: foreign() }
      await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata, stringData: { 'values.yaml': 'color: gold' } })
    })

    afterAll(async () => {
      await bench.cluster.delete({ apiVersion: 'v1', kind: 'Namespace', name: foreign() }, {})
    })

    it('installs, upgrades and uninstalls with the rights of the account', async () => {
      await bench.put('own', { releaseName: 'own', chart: chart('1.0.0'), ...account })
      expect(await bench.sync('own')).toMatchObject({ end: 'done' })
      await bench.put('own', { releaseName: 'own', chart: chart('1.1.0'), ...account })
      expect(await bench.sync('own')).toMatchObject({ end: 'done' })
      expect((await configOf('own'))?.data).toMatchObject({ extra: '1' })
      expect(bench.arguments()).toContain(`--kube-as-user=system:serviceaccount:${bench.namespace}:bot`)
      const ref = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace: bench.namespace, name: 'own' }
      await bench.cluster.delete(ref, {})
      await bench.sync('own')
      expect(await configOf('own')).toBeUndefined()
      expect(await bench.get('own')).toBeUndefined()
    })

    it('writes nothing where the account may not, and says which right is missing', async () => {
      await bench.put('over', { releaseName: 'over', chart: chart('1.0.0'), targetNamespace: foreign(), ...account })
      bench.writes()
      bench.helmRuns()
      expect(await bench.sync('over')).toMatchObject({ end: 'again' })
      expect(await messageOf('over', 'Released')).toMatch(/^Forbidden: .*system:serviceaccount:.*:bot/)
      expect(bench.helmRuns()).toEqual([])
      expect(new Set(bench.writes())).toEqual(new Set(['patch HelmRelease', 'create Event']))
      const records = await bench.cluster.list({ apiVersion: 'v1', kind: 'ConfigMap', namespace: foreign() })
      expect(records.map(({ metadata }) => metadata.name)).not.toContain('capstan-release-over')
    })

    it('tries at once what failed, when the account is another one', async () => {
      await bench.put('narrow', { releaseName: 'narrow', chart: chart('1.0.0'), ...account })
      expect(await bench.sync('narrow')).toMatchObject({ end: 'done' })
      await bench.put('narrow', { releaseName: 'narrow', chart: chart('1.2.0'), ...account })
      expect(await bench.sync('narrow')).toMatchObject({ end: 'again' })
      expect(await messageOf('narrow', 'Released')).toMatch(/services .*forbidden/)
      await bench.put('narrow', { releaseName: 'narrow', chart: chart('1.2.0') })
      expect(await bench.sync('narrow')).toMatchObject({ end: 'done' })
    })

    it('reads no Secret that the account may not read', async () => {
      const valuesFrom = [{ secretKeyRef: { name: 'theirs', namespace: foreign(), optional: true } }]
      await bench.put('spy', { releaseName: 'spy', chart: chart('1.0.0'), valuesFrom, ...account })
      expect(await bench.sync('spy')).toMatchObject({ end: 'again' })
      expect(await messageOf('spy', 'Released')).toMatch(/^Forbidden: /)
      expect(await configOf('spy')).toBeUndefined()
    })

    it('does nothing with our own rights for what is no name of an account', async () => {
      const put = bench.put('odd', { releaseName: 'odd', chart: chart('1.0.0'), serviceAccountName: 'No Name' })
      // our definition takes no such name, an annotation takes everything
      if (shape === 'ours') return await expect(put).rejects.toMatchObject({ reason: 'ApplyRefused' })
      await put
      expect(await bench.sync('odd')).toMatchObject({ end: 'again' })
      expect(await configOf('odd')).toBeUndefined()
    })
  })

  describe('dependsOn', () => {
    it('waits until the latest generation of another release is released', async () => {
      const needs = { dependsOn: [{ name: 'base' }] }
      await bench.put('top', { releaseName: 'top', chart: chart('1.0.0'), ...needs })
      expect(await bench.sync('top')).toMatchObject({ end: 'again' })
      expect(await messageOf('top', 'Released')).toBe(
        `DependencyNotReady: it waits for HelmRelease ${bench.namespace}/base`,
      )
      await bench.put('base', { releaseName: 'base', chart: { ...chart('1.0.0'), name: 'absent' } })
      await bench.sync('base')
      expect(await bench.sync('top')).toMatchObject({ end: 'again' })
      await bench.put('base', { releaseName: 'base', chart: chart('1.0.0') })
      expect(await bench.sync('top')).toMatchObject({ end: 'again' })
      await bench.sync('base')
      expect(await bench.sync('top')).toMatchObject({ end: 'done' })
    })

    it('holds an upgrade and not what is deployed while the other one is not ready', async () => {
      const needs = { dependsOn: [{ name: 'base' }] }
      await bench.put('base', { releaseName: 'base', chart: { ...chart('1.0.0'), name: 'absent' } })
      await bench.sync('base')
      expect(await bench.sync('top')).toMatchObject({ end: 'done' })
      await bench.put('top', { releaseName: 'top', chart: chart('1.1.0'), ...needs })
      expect(await bench.sync('top')).toMatchObject({ end: 'again' })
      expect((await configOf('top'))?.data).not.toMatchObject({ extra: '1' })
    })

    it('names a circle', async () => {
      const [a, b] = ['ring-a', 'ring-b'].map((name) => `${bench.namespace}/${name}`)
      await bench.put('ring-a', { chart: chart('1.0.0'), dependsOn: [{ name: 'ring-b' }] })
      await bench.put('ring-b', { chart: chart('1.0.0'), dependsOn: [{ name: 'ring-a' }] })
      await bench.sync('ring-a')
      expect(await messageOf('ring-a', 'Released')).toBe(
        `DependencyCycle: dependsOn goes in a circle: ${a} → ${b} → ${a}`,
      )
    })

    it('waits for a source', async () => {
      const dependsOn = [{ kind: 'Source', name: 'base' }]
      await bench.put('fed', { releaseName: 'fed', chart: chart('1.0.0'), dependsOn })
      expect(await bench.sync('fed')).toMatchObject({ end: 'again' })
      const status = JSON.stringify(appliedStatus('abc'))
      const metadata = { name: 'capstan-source-base', namespace: bench.namespace }
      await bench.cluster.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'status.json': status } })
      expect(await bench.sync('fed')).toMatchObject({ end: 'done' })
    })
  })
})
