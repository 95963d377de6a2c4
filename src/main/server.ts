import { readFileSync } from 'node:fs'
import { createQueueBoard } from '../adapters/queue/index.ts'
import { createApp } from '../api/app.ts'
import type { AppOptions } from '../api/app-options.ts'
import { createViews, type Views } from '../views/create-views.ts'
import { boardUiPath, version } from './package.ts'
import type { Parts } from './wire.ts'

type App = ReturnType<typeof createApp>

export type Secrets = { tokenFile: string; webhookSecretFile: string }

/** The views over what was wired. `starting` says what the start still waits for. */
export function createProcessViews(parts: Parts, starting: () => string): Views {
  const { cluster, store, queue, sources, config } = parts
  return createViews({
    cluster,
    store,
    queue,
    sources: () => sources.list(),
    enable: config.enable,
    releaseNamespace: config.releases.namespace,
    starting,
    now: () => new Date(),
  })
}

/** Serves the API on the address that the flags give; resolves once it listens. */
export async function serve(
  parts: Parts,
  options: { views: Views; secrets: Secrets } & Partial<Pick<AppOptions, 'metrics' | 'onAnswer'>>,
): Promise<App> {
  const { views, secrets, metrics, onAnswer } = options
  const { queue, config, log, redactor } = parts
  const read = (file: string) => readFileSync(file, 'utf8').trim()
  redactor.register([read(secrets.tokenFile), read(secrets.webhookSecretFile)])
  const uiPath = boardUiPath()
  const app = createApp({
    views,
    enqueue: queue.enqueue,
    queue,
    token: () => read(secrets.tokenFile),
    webhookSecret: () => read(secrets.webhookSecretFile),
    board: createQueueBoard(queue, uiPath ? { uiPath } : {}),
    version,
    log: log.child({ component: 'api' }),
    now: () => new Date(),
    ...(metrics ? { metrics } : {}),
    ...(onAnswer ? { onAnswer } : {}),
  })
  await listen(app, config.listen)
  return app
}

/** An empty host means every address; where IPv6 is off that is every IPv4 address. */
async function listen(app: App, { host, port }: { host: string; port: number }): Promise<void> {
  if (host) {
    await app.listen({ host, port })
    return
  }
  try {
    await app.listen({ host: '::', port })
  } catch (error) {
    if (
      !(error instanceof Error && 'code' in error && (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL'))
    )
      throw error
    await app.listen({ host: '0.0.0.0', port })
  }
}
