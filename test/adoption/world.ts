import { execFile } from 'node:child_process'
import { expect } from 'vitest'
import type { Applied, Cluster } from '../../src/adapters/cluster/index.ts'
import { type KubeObject, refOf } from '../../src/domain/manifest/object.ts'
import { stack } from '../stack/stack.ts'

/** Runs the real kubectl; rejects with what it said. */
export async function kubectl(args: readonly string[], input = ''): Promise<string> {
  const { kubectl: binary, kubeconfig } = stack()
  return await new Promise((resolve, reject) => {
    const child = execFile(binary, ['--kubeconfig', kubeconfig, ...args], (error, stdout, stderr) => {
      if (error) reject(new Error(`kubectl ${args.join(' ')}: ${stderr}`))
      else resolve(stdout)
    })
    child.stdin?.end(input)
  })
}

/** As fluxd did: `kubectl apply -f -`. */
export async function kubectlApply(objects: readonly KubeObject[], ...flags: string[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects }
  await kubectl(['apply', ...flags, '-f', '-'], JSON.stringify(list))
}

/** First contact: taken over, with nothing but the owners of fields changed, and only once. */
export async function adopt(cluster: Cluster, object: KubeObject): Promise<void> {
  const before = await live(cluster, object)
  expect(await cluster.takeOver(refOf(object))).toBe('taken')
  const after = await live(cluster, object)
  expect(besidesOwners(after)).toEqual(besidesOwners(before))
  expect(await cluster.takeOver(refOf(object))).toBe('nothing')
}

/** What git says now, applied as a sync does. Nobody is overruled: what is taken over is ours. */
export async function sync(cluster: Cluster, object: KubeObject): Promise<Applied> {
  return await cluster.apply(object, { force: true })
}

export async function live(cluster: Cluster, object: KubeObject): Promise<KubeObject> {
  const found = await cluster.get(refOf(object))
  if (!found) throw new Error(`${object.kind} ${object.metadata.name} is gone`)
  return found
}

/** Without what the deployment controller writes in its own time. */
function besidesOwners(object: KubeObject): unknown {
  const { managedFields: _owners, resourceVersion: _version, annotations, ...metadata } = object.metadata
  const { status: _status, ...rest } = object
  const { 'deployment.kubernetes.io/revision': _revision, ...kept } = annotations ?? {}
  return { ...rest, metadata: { ...metadata, annotations: kept } }
}
