import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse } from 'yaml'
import type { Cluster } from '../adapters/cluster/index.ts'
import { toAppError } from '../domain/error.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import type { Logger } from '../lib/logger.ts'

/** Version of the definitions that this Capstan ships; raised with each change, compared before one is replaced (W40). */
const definitionVersion = 3
const versionAnnotation = 'capstan.dev/definition-version'
const retryAfterMs = 2_000

type Deps = { cluster: Cluster; log: Logger }

/** Repeats `work` until it succeeds or the signal aborts; says once why it waits. A cluster that is away is waited for, not given up. */
export async function untilDone<T>(what: string, work: () => Promise<T>, log: Logger, signal: AbortSignal): Promise<T> {
  let said = ''
  for (;;) {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      const { reason, message } = toAppError(error)
      if (said !== message) log.warn({ reason }, `${what}: ${message}; tried again`)
      said = message
      await sleep(retryAfterMs, undefined, { signal })
    }
  }
}

/** Makes the namespace of our own records if it is absent (W12). */
export async function ensureNamespace(name: string, { cluster, log }: Deps, signal: AbortSignal): Promise<void> {
  const ref = { apiVersion: 'v1', kind: 'Namespace', name }
  if (await cluster.get(ref, { metadataOnly: true, signal })) return
  await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, signal)
  log.info({ namespace: name }, 'made the namespace for our own records')
}

/**
 * Applies a definition that we ship. One that a newer Capstan put there stays; the Helm Operator's own is replaced by ours, which has
 * every field of it (ruling 1).
 */
export async function installDefinition(file: string, { cluster, log }: Deps, signal: AbortSignal): Promise<void> {
  const definition = parse(readFileSync(file, 'utf8')) as KubeObject
  const found = await cluster.get(
    { apiVersion: definition.apiVersion, kind: definition.kind, name: definition.metadata.name },
    { metadataOnly: true, signal },
  )
  const live = Number(found?.metadata.annotations?.[versionAnnotation] ?? 0)
  if (live >= definitionVersion) return
  const annotations = { ...definition.metadata.annotations, [versionAnnotation]: String(definitionVersion) }
  await cluster.apply({ ...definition, metadata: { ...definition.metadata, annotations } }, { force: true }, signal)
  cluster.forgetDiscovery()
  log.info(
    { definition: definition.metadata.name },
    found ? 'brought the definition up to date' : 'installed the definition',
  )
}

/** The same for Sources, which a Capstan without the right to install definitions does without. */
export async function installSources(file: string, deps: Deps, signal: AbortSignal): Promise<void> {
  try {
    await installDefinition(file, deps, signal)
  } catch (error) {
    const { reason, message } = toAppError(error)
    if (reason !== 'Forbidden') throw error
    deps.log.warn({ reason }, `the definition of Sources is left as it is: ${message}`)
  }
}
