import { createRedactor } from '../adapters/log/index.ts'
import type { RenderChart } from '../cli/commands/install.ts'
import { AppError } from '../domain/error.ts'
import { createProcessRun } from './child-programs.ts'
import { chartFolder } from './package.ts'

const timeoutMs = 60_000
const maxOutputBytes = 20 * 1024 * 1024

/**
 * Renders the chart that we ship with the real helm, which is in the image and which releases need anyway: so there is one description
 * of an installation, with every value of the chart. Hooks are left out, since `kubectl apply` would run the one of an uninstall.
 */
export function createRenderChart(env: NodeJS.ProcessEnv): RenderChart {
  const run = createProcessRun(createRedactor())
  return async ({ namespace, valuesFiles, values, set, helmBinary }) => {
    const args = [
      'template',
      'capstan',
      chartFolder,
      `--namespace=${namespace}`,
      '--include-crds',
      '--no-hooks',
      ...valuesFiles.map((file) => `--values=${file}`),
      ...Object.entries(values).map(([key, value]) => `--set-json=${key}=${value}`),
      ...set.map((one) => `--set=${one}`),
    ]
    // no kubeconfig: what is written does not depend on a cluster
    const environment = { PATH: env.PATH ?? '', HOME: env.HOME ?? '' }
    const ended = await run({ command: helmBinary, args, env: environment, timeoutMs, maxOutputBytes })
    if (ended.ended === 'notFound') throw new AppError('HelmMissing', missing(helmBinary))
    if (ended.ended === 'exit' && ended.exitCode === 0) return ended.stdout
    throw new AppError('RenderFailed', `helm cannot make the manifests: ${reasonOf(ended.stderr, ended.ended)}`)
  }
}

function missing(helmBinary: string): string {
  return `${helmBinary} is not found: install helm 3, name it with --helm-binary, or let the image do it, as in: docker run --rm IMAGE install`
}

function reasonOf(stderr: string, ended: string): string {
  return stderr.trim().replace(/^Error: /, '') || `it was ended (${ended})`
}
