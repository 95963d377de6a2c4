import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { stack } from '../stack/stack.ts'
import { root } from './dockerfile.ts'

export type KubeObject = {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  spec?: Record<string, unknown>
  data?: Record<string, string>
}
export type PodSpec = {
  serviceAccountName: string
  terminationGracePeriodSeconds?: number
  containers: { image?: string; args: string[]; env: { name: string; value?: string }[]; command?: string[] }[]
}

export const chart = join(root, 'charts/capstan')
const start = promisify(execFile)

/** The real helm on the stack's cluster; rejects with what it printed. */
export async function helm(...args: string[]): Promise<string> {
  const { stdout } = await start(stack().helm, [...args, '--kubeconfig', stack().kubeconfig], { maxBuffer: 2 ** 24 })
  return stdout
}

/** The real kubectl on the stack's cluster, with `input` on its standard input. */
export async function kubectl(args: readonly string[], input = ''): Promise<{ stdout: string; stderr: string }> {
  const running = start(stack().kubectl, ['--kubeconfig', stack().kubeconfig, ...args], { maxBuffer: 2 ** 24 })
  running.child.stdin?.end(input)
  return await running
}

/** `--set` for each. */
export function setArgs(values: readonly string[]): string[] {
  return values.flatMap((value) => ['--set', value])
}

/** A values file beside the tests. */
export function valuesFile(name: string): string {
  return join(root, 'test/packaging/values', `${name}.yaml`)
}

/** What the chart makes of these arguments; the release is called capstan. */
export async function render(namespace: string, ...args: string[]): Promise<string> {
  return await helm('template', 'capstan', chart, '--namespace', namespace, ...args)
}

/** The objects of a rendered text. */
export function objectsOf(text: string): KubeObject[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as KubeObject | null)
    .filter((object) => object !== null)
}

/** The pods of our Deployments, by the component that each is. */
export function podsOf(objects: readonly KubeObject[]): Map<string, PodSpec> {
  const deployments = objects.filter(({ kind }) => kind === 'Deployment')
  return new Map(
    deployments.map(({ metadata, spec }) => [
      metadata.labels?.['app.kubernetes.io/component'] ?? '',
      (spec as { template: { spec: PodSpec } }).template.spec,
    ]),
  )
}

/** The flags of a component, after `run`. */
export function argvOf(pod: PodSpec | undefined): string[] {
  const [command, ...argv] = pod?.containers[0]?.args ?? []
  if (command !== 'run') throw new Error(`the container does not begin with run: ${command}`)
  return argv
}
