import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

type Named<T> = { name?: string } & T
type Kubeconfig = {
  'current-context'?: string
  contexts?: Named<{ context?: { cluster?: string } }>[]
  clusters?: Named<{ cluster?: { server?: string } }>[]
}

/** Names the cluster that a kubeconfig's current context means. Throws when it means none. */
export function describeCluster(file: string): string {
  const { 'current-context': current, contexts, clusters } = (parse(readFileSync(file, 'utf8')) ?? {}) as Kubeconfig
  const context = contexts?.find(({ name }) => name === current)?.context
  const server = clusters?.find(({ name }) => name === context?.cluster)?.cluster?.server
  if (!current || !server) throw new Error(`${file} has no current context with a cluster`)
  return `context ${current}, ${server}`
}
