import { readFileSync } from 'node:fs'

/** The real outside that the tests of the projects `real` and `operator` run against; started once by test/stack/setup.ts. */
export type Stack = {
  /** Of a real kube-apiserver with controller-manager, scheduler and (when present) kwok. Admin rights. */
  kubeconfig: string
  /** A real Redis; use an own key prefix. */
  redisUrl: string
  /** `127.0.0.1:PORT` of a real, plain-HTTP image registry. */
  registry: string
  /** Absolute paths of the real binaries. */
  helm: string
  kubectl: string
  /** Folder that holds all binaries; put it on PATH of children. */
  binDir: string
}

/** The running stack. Throws with what to do when it was not started. */
export function stack(): Stack {
  const file = process.env.CAPSTAN_TEST_STACK
  if (!file) throw new Error('CAPSTAN_TEST_STACK is not set: run these tests with npm test')
  return JSON.parse(readFileSync(file, 'utf8')) as Stack
}
