import { readFileSync } from 'node:fs'
import { Agent } from 'undici'
import { parse } from 'yaml'
import type { KubeObject } from '../../src/domain/manifest/object.ts'

/** Where the API server is and how to prove who we are, from a kubeconfig with a token and the server's authority. */
export type BareAccess = { server: string; token: string; ca: string }

export function readAccess(kubeconfig: string): BareAccess {
  const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data'?: string } }[]
    users: { user: { token: string } }[]
  }
  const cluster = clusters[0]?.cluster
  const ca = Buffer.from(cluster?.['certificate-authority-data'] ?? '', 'base64').toString()
  return { server: cluster?.server ?? '', token: users[0]?.user.token ?? '', ca }
}

const plural: Record<string, string> = {
  Namespace: 'api/v1/namespaces',
  ServiceAccount: 'api/v1/namespaces/NS/serviceaccounts',
  ConfigMap: 'api/v1/namespaces/NS/configmaps',
  Service: 'api/v1/namespaces/NS/services',
  Deployment: 'apis/apps/v1/namespaces/NS/deployments',
  Ingress: 'apis/networking.k8s.io/v1/namespaces/NS/ingresses',
}

/**
 * The raw limit to compare with: sends each object once as a server-side apply, `inFlight` at a time, and does nothing else. Namespaces
 * first. Gives milliseconds.
 */
export async function applyBare(access: BareAccess, objects: readonly KubeObject[], inFlight = 16): Promise<number> {
  const agent = new Agent({
    connections: inFlight,
    connect: access.ca ? { ca: access.ca } : { rejectUnauthorized: false },
  })
  const started = performance.now()
  for (const stage of [
    objects.filter(({ kind }) => kind === 'Namespace'),
    objects.filter(({ kind }) => kind !== 'Namespace'),
  ]) {
    const queue = [...stage]
    await Promise.all(
      Array.from({ length: inFlight }, async () => {
        for (let object = queue.shift(); object; object = queue.shift()) await send(agent, access, object)
      }),
    )
  }
  const took = performance.now() - started
  await agent.close()
  return took
}

async function send(agent: Agent, { server, token }: BareAccess, object: KubeObject): Promise<void> {
  const path = `/${plural[object.kind]?.replace('NS', object.metadata.namespace ?? '')}/${object.metadata.name}?fieldManager=bare&force=true`
  const { statusCode, body } = await agent.request({
    origin: server,
    path,
    method: 'PATCH',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/apply-patch+yaml' },
    body: JSON.stringify(object),
  })
  const text = await body.text()
  if (statusCode >= 300) throw new Error(`${object.kind}/${object.metadata.name}: ${statusCode} ${text.slice(0, 200)}`)
}
