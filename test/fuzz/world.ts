import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../playground/stack/until.ts'
import { createRolesWorld } from '../api/roles.ts'
import { startCapstan } from '../e2e/capstan.ts'
import { createRepository } from '../e2e/repository.ts'
import { kubectl } from '../packaging/chart.ts'
import { withKnown, type OpenApi } from './document.ts'
import type { Role } from './rights-table.ts'

/** A running Capstan with a source, a release and a sink, in front of a real cluster that knows three people. */
export type FuzzWorld = {
  url: string
  /** File with the OpenAPI document. */
  document: string
  /** Empty for nobody. */
  tokenOf: (role: Role) => string
  /** What the log says of failures of our own. */
  troubles(): string[]
  stop(): Promise<void>
}

const people: Record<Role, string> = { none: '', reader: 'all-view', operator: 'all-edit', admin: 'all-admin' }

export async function startWorld(folder: string): Promise<FuzzWorld> {
  const cleanUps: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp()
  }
  try {
    return { ...(await start(folder, cleanUps)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(folder: string, cleanUps: (() => Promise<unknown>)[]): Promise<Omit<FuzzWorld, 'stop'>> {
  const roles = await createRolesWorld()
  cleanUps.push(async () => await roles.stop())
  const repository = await createRepository()
  cleanUps.push(async () => await repository.stop())
  await repository.push({ 'deploy/a.yaml': manifest(roles.team) })
  const sinks = join(folder, 'sinks.yaml')
  writeFileSync(sinks, 'sinks:\n  - name: hook\n    type: alertmanager\n    url: http://127.0.0.1:9/\n')
  const capstan = await startCapstan([
    '--api-auth=kubernetes',
    '--api-rate=10000',
    `--git-url=${repository.url}`,
    '--git-branch=main',
    '--git-path=deploy',
    '--git-poll-interval=1h',
    `--allow-namespace=${roles.team}`,
    `--k8s-allow-namespace=${roles.team}`,
    `--sinks-file=${sinks}`,
  ])
  cleanUps.push(async () => await capstan.stop())
  cleanUps.push(
    async () => await kubectl(['delete', 'namespace', capstan.namespace, '--wait=false', '--ignore-not-found']),
  )
  await until('the source to be applied', async () => {
    const { sources } = await capstan.api<{ sources: { ready: boolean }[] }>('/api/v1/status')
    return sources.some(({ ready }) => ready)
  })
  const source = { namespace: capstan.namespace, name: 'default' }
  const release = { namespace: roles.team, name: 'web' }
  await kubectl(['apply', '-f', '-'], helmRelease(release))
  cleanUps.push(async () => await kubectl(['delete', 'helmrelease', release.name, '--namespace', release.namespace]))
  const { jobs } = await capstan.api<{ jobs: { id: string }[] }>('/api/v1/jobs')
  const at = `/api/v1/sources/${source.namespace}/${source.name}`
  const { plan } = await capstan.api<{ plan: string }>(`${at}/plans`, 'POST')
  const { answer } = await capstan.api<{ answer: string }>(`${at}/images`, 'POST')
  const known = { source, release, job: jobs[0]?.id ?? 'x', plan, answer, sink: 'hook' }
  const document = join(folder, 'openapi.json')
  writeFileSync(document, JSON.stringify(withKnown(await capstan.api<OpenApi>('/api/v1/openapi.json'), known)))
  return {
    url: capstan.url,
    document,
    tokenOf: (role) => (people[role] === '' ? '' : roles.tokenOf(people[role])),
    troubles: () =>
      readFileSync(capstan.logFile, 'utf8')
        .split('\n')
        .filter((line) => line.includes('a request failed'))
        .slice(0, 20),
  }
}

function manifest(namespace: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: ${namespace}}
data: {key: value}
`
}

/** It never comes to anything: nothing listens at its repository. */
function helmRelease({ namespace, name }: { namespace: string; name: string }): string {
  return `apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata: {name: ${name}, namespace: ${namespace}}
spec: {chart: {repository: "http://127.0.0.1:9", name: web, version: 1.0.0}}
`
}
