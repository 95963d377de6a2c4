import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFluxctl, type FluxctlOptions } from '../cli/fluxctl/create-fluxctl.ts'
import type { Cli } from '../cli/create-cli.ts'
import { loadYaml } from './load-yaml.ts'
import { readKeys } from './keys.ts'

type Given = Pick<FluxctlOptions, 'out' | 'err' | 'version' | 'signal'>

/** The program that is called `fluxctl`, on this machine. */
export function fluxctl(given: Given, env: NodeJS.ProcessEnv): Cli {
  return createFluxctl({
    ...given,
    env,
    fetch,
    // each piece that only some verbs need is loaded by them
    forward: async (wanted) => await (await import('./forward.ts')).forwardToServer(wanted, { asFluxctl: true }),
    async contextNamespace(context) {
      if (!hasKubeconfig(env)) return ''
      const { contextNamespace } = await import('../adapters/cluster/index.ts')
      return contextNamespace({ context })
    },
    author: async () => await (await import('./author.ts')).gitAuthor(env),
    keys: readKeys,
    yaml: loadYaml,
    render: async (request) => await (await import('./install.ts')).createRenderChart(env)(request),
    now: Date.now,
    pause: async (ms) => await sleep(ms, undefined, { signal: given.signal }),
  })
}

/** Whether there is a file to read; client-node takes a while to load. */
function hasKubeconfig({ KUBECONFIG, HOME }: NodeJS.ProcessEnv): boolean {
  return Boolean(KUBECONFIG) || (HOME !== undefined && existsSync(join(HOME, '.kube', 'config')))
}
