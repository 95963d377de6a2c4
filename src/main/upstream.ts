import { setTimeout as sleep } from 'node:timers/promises'
import { createDial, createEgress } from '../adapters/egress/index.ts'
import { createRpc } from '../api/flux/rpc.ts'
import { keepUpstream } from '../api/flux/upstream.ts'
import { processIdentity } from './deploy-key.ts'
import { version } from './package.ts'
import { processRequests } from './requests.ts'
import { ensureSecrets } from './secrets.ts'
import { createProcessViews } from './server.ts'
import type { Ending } from './stop.ts'
import type { Parts } from './wire.ts'

/** Lets the service of `--connect` call us while this process leads, so that it has one daemon to speak to (flux-v1 §22). */
export function connectUpstream(parts: Parts, ending: Ending, lead: AbortSignal): void {
  const { config, queue, deployKeys, metrics, log } = parts
  const { connect: url, token, rpcTimeoutMs } = config.events
  if (url === '') return
  const egress = createEgress()
  const dial = createDial(egress)
  const answer = createRpc({
    views: createProcessViews(parts),
    enqueue: queue.enqueue,
    requests: processRequests(parts, ensureSecrets(config).tokenFile),
    version,
    identity: () => processIdentity(deployKeys),
    renewIdentity: () => processIdentity(deployKeys, { renew: true }),
    timeoutMs: rpcTimeoutMs,
  })
  const deps = {
    url,
    token,
    version,
    dial,
    answer,
    log: log.child({ component: 'upstream' }),
    pause: async (ms: number, signal: AbortSignal) => await sleep(ms, undefined, { signal }),
    random: Math.random,
    connected: (isConnected: boolean) => metrics.upstream(new URL(url).href, isConnected),
    gone: (why: string) => {
      log.error({}, `${why}; this process ends`)
      ending.stop(1)
    },
  }
  void keepUpstream(deps, lead).then(async () => {
    await dial.close()
    await egress.close()
  })
}
