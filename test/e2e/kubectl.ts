import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { stack } from '../stack/stack.ts'

const run = promisify(execFile)

/** The real kubectl against the test cluster. */
export async function kubectl(...args: string[]): Promise<string> {
  const { kubectl: command, kubeconfig } = stack()
  const { stdout } = await run(command, args, {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}

/** The object, or undefined when it is not there. */
export async function read(kind: string, namespace: string, name: string): Promise<KubeObject | undefined> {
  const text = await kubectl(
    'get',
    kind,
    name,
    '-n',
    namespace,
    '-o',
    'json',
    '--ignore-not-found',
    '--show-managed-fields',
  )
  return text ? (JSON.parse(text) as KubeObject) : undefined
}
