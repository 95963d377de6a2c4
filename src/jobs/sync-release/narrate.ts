import type { ReleaseSpec } from '../../domain/release/spec.ts'
import type { SyncReleaseDeps } from './deps.ts'

/** The Operator's nouns for what is done to a release; people look for them in the log (helm-operator §7). */
export const nouns = { install: 'installation', upgrade: 'upgrade', test: 'test' } as const

/** One line of the log about a step of a release, with the keys that the Operator wrote (ruling 19). */
export function narrate(
  spec: ReleaseSpec,
  words: string,
  deps: Pick<SyncReleaseDeps, 'log'>,
  fields: { revision?: number | string } = {},
): void {
  const { release, targetNamespace, namespace, name } = spec
  const resource = `${namespace}:helmrelease/${name}`
  deps.log.info({ release, targetNamespace, resource, ...fields }, words)
}
