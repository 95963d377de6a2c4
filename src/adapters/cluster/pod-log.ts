import { type Api, asked, refused } from './objects.ts'

/** A container of a pod. */
export type ContainerRef = { namespace: string; name: string; container: string }

/** How much is read: the last lines, and of those so many bytes. */
export type LogLimits = { tailLines: number; limitBytes: number }

/** The end of a container's log. Throws as `Cluster.get`, also where the pod or its log is not there. */
export async function readPodLog(
  api: Api,
  { namespace, name, container }: ContainerRef,
  { tailLines, limitBytes }: LogLimits,
  signal?: AbortSignal,
): Promise<string> {
  const answer = await api.send({
    method: 'GET',
    path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`,
    query: { container, tailLines: String(tailLines), limitBytes: String(limitBytes) },
    urgency: 'read',
    deadlineMs: 10_000,
    idempotent: true,
    // the kubelet's trouble is not that of the API server
    troubleIsAnswer: true,
    signal,
  })
  if (answer.status === 200) return answer.text
  throw refused(api, answer, asked('read', { apiVersion: 'v1', kind: 'Pod', namespace, name }))
}
