import type { ObjectRef } from '../manifest/object.ts'
import type { ReleaseSpec } from './spec.ts'

/** An object whose change concerns a release. `as`: what it is to the release. */
export type NamedObject = ObjectRef & { namespace: string; as: 'input' | 'dependency' }

/**
 * The objects that a HelmRelease names: Secrets and ConfigMaps with its values, the Secrets of its chart's repository (`secretRef` and
 * `chartPullSecret`), and what tells whether a source that it depends on is ready. Releases that it depends on are known as HelmReleases.
 */
export function namedObjects({ valuesFrom, chart, dependsOn }: ReleaseSpec): NamedObject[] {
  const values = valuesFrom.flatMap((source): NamedObject[] => {
    if (source.kind !== 'ConfigMap' && source.kind !== 'Secret') return []
    const { kind, namespace, name } = source
    return [{ apiVersion: 'v1', kind, namespace, name, as: 'input' }]
  })
  const { secret } = 'secret' in chart ? chart : {}
  const { pullSecret } = 'pullSecret' in chart ? chart : {}
  const logins = [secret, pullSecret].flatMap((login): NamedObject[] =>
    login ? [{ apiVersion: 'v1', kind: 'Secret', ...login, as: 'input' }] : [],
  )
  const sources = dependsOn.filter(({ kind }) => kind === 'Source').flatMap(readinessOf)
  return [...values, ...logins, ...sources].filter(({ name }) => name !== '')
}

/** A Source object, or the record of the source that the flags make. */
function readinessOf({ namespace, name }: { namespace: string; name: string }): NamedObject[] {
  return [
    { apiVersion: 'capstan.dev/v1alpha1', kind: 'Source', namespace, name, as: 'dependency' },
    { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: `capstan-source-${name}`, as: 'dependency' },
  ]
}
