import { checksumAnnotation, gcMarkLabel } from '../manifest/annotations.ts'
import type { Ancestor } from '../manifest/ancestor.ts'
import type { OldDeployment } from './old-deployment.ts'
import { joined, nothing, type Part, refusal, told } from './part.ts'

/** Who keeps an ancestor's Deployment as it is. `fromHelm`: namespace/name of helm's release that it is in. */
type Kept = { inGit: boolean; byRelease: string | undefined; fromHelm: string | undefined }

/**
 * The first traps of ruling 6: what was scaled down comes back where a fluxd or an Operator that goes on keeps it up, and what helm
 * installed takes its Secrets along when it goes. `goOn`: ancestors that still run after the move.
 */
export function fromKeepers(old: OldDeployment, goOn: ReadonlySet<Ancestor>): Part {
  const kept = keepersOf(old)
  const subject = `Deployment ${old.namespace}/${old.name}`
  return joined([
    kept.inGit ? ofGit(subject, old, goOn) : nothing,
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

function ofGit(subject: string, { ancestor }: OldDeployment, goOn: ReadonlySet<Ancestor>): Part {
  if (goOn.has('fluxd'))
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
