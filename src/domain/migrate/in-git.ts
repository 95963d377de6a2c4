import { checksumAnnotation, gcMarkLabel } from '../manifest/annotations.ts'
import type { Ancestor } from '../manifest/ancestor.ts'
import { gcMark, syncSetName } from '../manifest/gc-mark.ts'
import { type KubeObject, refOf } from '../manifest/object.ts'
import { safeUrl } from '../source/git-url.ts'
import type { OldDeployment } from './old-deployment.ts'
import { listedIn, type OldFacts, valueOf, valuesOf } from './old-facts.ts'
import { joined, nothing, type Part, refusal, told } from './part.ts'

/** Who keeps an ancestor's Deployment as it is. `fromHelm`: namespace/name of helm's release that it is in. */
type Kept = { inGit: boolean; byRelease: string | undefined; fromHelm: string | undefined }

/** Ancestors that still run after the move, and the fluxd that moves, if one does. */
export type Around = { goOn: ReadonlySet<Ancestor>; moved: OldFacts | undefined }

/**
 * The first traps of ruling 6: what was scaled down comes back where a fluxd or an Operator that goes on keeps it up, and what helm
 * installed takes its Secrets along when it goes.
 */
export function fromKeepers(old: OldDeployment, { goOn, moved }: Around): Part {
  const kept = keepersOf(old)
  const subject = `Deployment ${old.namespace}/${old.name}`
  const byOther = goOn.has('fluxd') && !isMarkedBy(moved, old.object)
  return joined([
    kept.inGit ? ofGit(subject, old, byOther) : nothing,
    kept.byRelease ? ofRelease(subject, kept.byRelease, goOn) : nothing,
    kept.fromHelm
      ? told(
          subject,
          'do',
          `helm's release ${kept.fromHelm} made it: uninstall that once you stay, not before; its Secrets that are still needed are copied`,
        )
      : nothing,
  ])
}

/** The mark that this fluxd puts on an object; undefined where its URL has variables in it that are not known here. */
export function markOf(facts: OldFacts): ((object: KubeObject) => string) | undefined {
  const url = valueOf(facts, 'git-url')
  if (url === '' || url.includes('$(')) return undefined
  const branch = valueOf(facts, 'git-branch', 'master')
  const set = syncSetName({ safeUrl: safeUrl(url), branch, paths: listedIn(valuesOf(facts, 'git-path') ?? []) })
  return (object) => gcMark(set, refOf(object))
}

function isMarkedBy(moved: OldFacts | undefined, object: KubeObject): boolean {
  const mark = moved && markOf(moved)
  return mark !== undefined && object.metadata.labels?.[gcMarkLabel] === mark(object)
}

function keepersOf({ object: { metadata } }: OldDeployment): Kept {
  const { labels = {}, annotations = {} } = metadata
  const release = annotations['meta.helm.sh/release-name']
  return {
    inGit:
      (labels[gcMarkLabel] ?? annotations[checksumAnnotation]) !== undefined &&
      annotations['fluxcd.io/ignore'] !== 'true',
    byRelease: annotations['helm.fluxcd.io/antecedent'],
    fromHelm:
      release === undefined
        ? undefined
        : `${annotations['meta.helm.sh/release-namespace'] ?? metadata.namespace}/${release}`,
  }
}

function ofGit(subject: string, { ancestor }: OldDeployment, byOther: boolean): Part {
  if (byOther)
    return refusal(
      subject,
      'in-git',
      'it is in the repository of a fluxd that goes on, which would start it again: set replicas: 0 in git, or annotate it there with fluxcd.io/ignore: "true", and wait for the sync',
    )
  return told(
    subject,
    'do',
    `it is in the repository: Capstan leaves it as it is there (AncestorInSource). Once you stay, delete its files from git; until then going back to ${ancestor} works`,
  )
}

function ofRelease(subject: string, release: string, goOn: ReadonlySet<Ancestor>): Part {
  if (goOn.has('helm-operator'))
    return refusal(
      subject,
      'from-helmrelease',
      `the Helm Operator that goes on keeps it by the HelmRelease ${release}, and would start it again: move both, or set replicas to 0 in the values of that HelmRelease`,
    )
  return told(
    subject,
    'do',
    `the HelmRelease ${release} made it: an upgrade of it would start it again, so take it out of git once you stay, or annotate it with capstan.dev/suspend: "true"`,
  )
}
