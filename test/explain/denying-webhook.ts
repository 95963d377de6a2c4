import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listen } from '../../playground/stack/listen.ts'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { makeCertificates } from '../helm/certificates.ts'

/** A real admission webhook that refuses every ConfigMap of one namespace with these words. */
export async function startDenyingWebhook(
  cluster: Cluster,
  { namespace, words }: { namespace: string; words: string },
): Promise<{ stop(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-webhook-'))
  const { ca, server: pair } = await makeCertificates(directory)
  const server = createServer(pair, (request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const {
        apiVersion,
        kind,
        request: asked,
      } = JSON.parse(body) as Record<string, unknown> & { request: { uid: string } }
      const answer = { uid: asked.uid, allowed: false, status: { message: words } }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ apiVersion, kind, response: answer }))
    })
  })
  const { port, stop } = await listen(server)
  const ref = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration' }
  const name = `${namespace}-deny`
  await cluster.create({
    ...ref,
    metadata: { name },
    webhooks: [
      {
        name: 'deny.capstan.test',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        timeoutSeconds: 30,
        clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle: Buffer.from(ca).toString('base64') },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['configmaps'] }],
      },
    ],
  })
  /** Why a ConfigMap is refused; empty when it is not. */
  const refusal = async (): Promise<string> => {
    const probe = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'deny-probe', namespace } }
    return await cluster.apply(probe, { force: true, dryRun: true }).then(() => '', String)
  }
  await until('the API server asks the webhook', async () => (await refusal()).includes(words))
  return {
    async stop() {
      await cluster.delete({ ...ref, name }, {})
      await until('the API server asks no more', async () => (await refusal()) === '')
      await stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
