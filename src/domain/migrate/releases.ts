import type { KubeObject } from '../manifest/object.ts'
import { readSpec } from '../release/spec.ts'
import { listedIn, type OldFacts, valuesOf } from './old-facts.ts'
import { joined, nothing, type Part, refusal, told } from './part.ts'
import { listOf, mapOf, textOf } from '../../lib/raw.ts'

/** What helm 3 has stored of a release: the word of its newest revision, and that revision. */
export type StoredRelease = { state: string; revision: number }

/** What is known of the HelmReleases and their definition. */
export type ReleaseFacts = {
  helmReleases: readonly KubeObject[]
  /** Of the old group, which the Operator has not looked at since 1.0. */
  legacy: number
  /** By `namespace/name` of the release. */
  stored: ReadonlyMap<string, StoredRelease>
  definition: KubeObject | undefined
}

/** The definition is in a release of helm's, which would delete it, and with it every HelmRelease (ruling 6.3). */
export function definitionOwner({ definition }: ReleaseFacts): string | undefined {
  const { annotations = {}, labels = {} } = definition?.metadata ?? {}
  const name =
    annotations['meta.helm.sh/release-name'] ?? (labels.heritage || labels.chart ? labels.release : undefined)
  return name === undefined
    ? undefined
    : `${annotations['meta.helm.sh/release-namespace'] ?? ''}/${name}`.replace(/^\//, '')
}

/** What becomes of the HelmReleases: nothing, with the words for those of which that is not so (rulings 6.3 to 6.5, 9 and 10). */
export function fromReleases(facts: OldFacts, releases: ReleaseFacts): Part {
  const byDefault = defaultVersion(facts)
  const each = releases.helmReleases.map((object) => ofRelease(object, byDefault, releases))
  const quiet = each.filter((part) => part === nothing).length
  const counted = quiet > 0 ? told('HelmReleases', 'same', `${quiet} taken over as they are, no new revision`) : nothing
  return joined([counted, ...each, ofDefinition(releases), ofLegacy(releases)])
}

/** The first that is enabled; the flag's default when none was given (helm-operator §8.1). */
function defaultVersion(facts: OldFacts): 'v2' | 'v3' {
  const enabled = listedIn(valuesOf(facts, 'enabled-helm-versions') ?? ['v2,v3'])
  return enabled[0] === 'v3' ? 'v3' : 'v2'
}

function ofRelease(object: KubeObject, byDefault: 'v2' | 'v3', { stored }: ReleaseFacts): Part {
  const spec = readSpec(object, { gitRef: '', updateDependencies: false })
  const subject = `HelmRelease ${spec.namespace}/${spec.name}`
  const version = textOf(mapOf(object.spec).helmVersion) || byDefault
  const latest = stored.get(`${spec.targetNamespace}/${spec.release}`)
  if (version === 'v2' && !latest)
    return refusal(
      subject,
      'helm-v2',
      `helm 2 has its release ${spec.release}: convert it (helm 2to3 convert ${spec.release}) and set spec.helmVersion: v3; helm 3 would install it a second time`,
    )
  if (textOf(mapOf(object.spec).helmVersion) === 'v2')
    return refusal(
      subject,
      'helm-v2',
      'it asks for helm 2, and helm 3 has its release already: set spec.helmVersion: v3',
    )
  if (!latest) return told(subject, 'do', 'it has no release yet: Capstan installs it, as the Operator would have')
  if (isRolledBack(object)) return told(subject, 'same', 'rolled back: it stays so until its chart or values change')
  if (latest.state !== 'deployed')
    return told(
      subject,
      'do',
      `its release is ${latest.state}: Capstan leaves it so (AdoptionHold) until its inputs change, as the Operator did`,
    )
  return nothing
}

function isRolledBack(object: KubeObject): boolean {
  return listOf(mapOf(object.status).conditions)
    .map(mapOf)
    .some(({ type, status }) => type === 'RolledBack' && status === 'True')
}

function ofDefinition(releases: ReleaseFacts): Part {
  const owner = definitionOwner(releases)
  if (owner === undefined) return nothing
  const [release = owner] = owner.split('/').toReversed()
  return told(
    'definition of HelmRelease',
    'do',
    `helm's release ${owner} holds it: it is annotated helm.sh/resource-policy: keep now. Before you uninstall that release: helm upgrade ${release} <its chart> --reuse-values --set createCRD=false`,
  )
}

function ofLegacy({ legacy }: ReleaseFacts): Part {
  if (legacy === 0) return nothing
  return told(
    'HelmReleases of flux.weave.works/v1beta1',
    'same',
    `${legacy} of them, which the Operator did not look at either; --legacy-helmreleases would serve them`,
  )
}
