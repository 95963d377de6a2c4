import { randomBytes } from 'node:crypto'
import { until } from '../../playground/stack/until.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { namespace } from '../e2e/manifests.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { pushImage } from '../registry/push-image.ts'
import { stack } from '../stack/stack.ts'
import { createFluxctl, type Fluxctl, patience } from './fluxctl.ts'

/** A real Capstan with a repository, a namespace and an image of its own, and a fluxctl that knows where it is. */
export type FluxWorld = {
  /** The namespace that the files are for. */
  space: string
  /** `host/path` with a tag for each of {@link tags}. */
  image: string
  repository: Repository
  capstan: Capstan
  fluxctl: Fluxctl
  /** The commit that was pushed first, which is applied. */
  commit: string
  /** A request below `/api/flux`, as fluxctl would send it. */
  api: (path: string, init?: RequestInit) => Promise<Response>
  stop(): Promise<void>
}

/** Tags of the image, with the times at which they were made. */
export const tags = {
  '1.0.0': '2020-03-20T13:53:00Z',
  '1.0.1': '2021-03-20T13:53:00Z',
  '2.0.0': '2022-03-20T13:53:00Z',
} as const

/** `files` go into the folder `deploy`, beside the namespace. Resolves when they are applied. */
export async function createFluxWorld(
  files: (names: Pick<FluxWorld, 'space' | 'image'>) => Record<string, string>,
  flags: readonly string[] = ['--enable=sync,images'],
): Promise<FluxWorld> {
  const space = `fluxctl-${randomBytes(3).toString('hex')}`
  const { registry } = stack()
  const image = `${registry}/${space}/web`
  for (const [tag, created] of Object.entries(tags)) await pushImage(registry, `${space}/web`, tag, { created })
  const repository = await createRepository()
  const deployed = Object.entries({ 'namespace.yaml': namespace(space), ...files({ space, image }) })
  const commit = await repository.push(Object.fromEntries(deployed.map(([name, text]) => [`deploy/${name}`, text])))
  const capstan = await startCapstan([
    `--git-url=${repository.url}`,
    '--git-branch=main',
    '--git-path=deploy',
    '--git-poll-interval=1h',
    '--sync-interval=1h',
    '--sync-garbage-collection',
    '--k8s-allow-namespace',
    space,
    `--registry-insecure-host=${registry}`,
    ...flags,
  ])
  const fluxctl = createFluxctl({
    ...patience,
    FLUX_URL: `${capstan.url}/api/flux`,
    FLUX_SERVICE_TOKEN: capstan.token,
  })
  const isSynced = async (): Promise<boolean> => {
    const { sources } = await capstan.api<{ sources: { attempted: string }[] }>('/api/v1/sources')
    return sources[0]?.attempted === `main@${commit}`
  }
  await until('the first sync', isSynced, { logFile: capstan.logFile })
  return {
    space,
    image,
    repository,
    capstan,
    fluxctl,
    commit,
    api: async (path, init = {}) =>
      await fetch(`${capstan.url}/api/flux${path}`, {
        ...init,
        headers: { authorization: `Scope-Probe token=${capstan.token}`, accept: 'application/json' },
      }),
    async stop() {
      fluxctl.stop()
      await capstan.stop()
      await repository.stop()
      await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false')
    },
  }
}
