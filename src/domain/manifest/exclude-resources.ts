import { groupOf, type ObjectRef } from './object.ts'
import { starWildcard } from './wildcard.ts'

type Kind = Pick<ObjectRef, 'apiVersion' | 'kind'>

/** Of these fluxd never read what the cluster holds, so it never deleted one (flux-v1 §10). */
const neverListed = new Set(['/ComponentStatus', '/Endpoints'])

/**
 * The test for kinds that are left alone (`--k8s-unsafe-exclude-resource`, flux-v1 §10): a pattern matches `group/version/` or
 * `group/version/Kind`, where `*` is any text, also with slashes. The core group is written as its version alone: `v1/Event`.
 */
export function makeExcludedKinds(patterns: readonly string[]): (kind: Kind) => boolean {
  const tests = patterns.map(starWildcard)
  return ({ apiVersion, kind }) => tests.some((test) => test(`${apiVersion}/`) || test(`${apiVersion}/${kind}`))
}

/** Whether objects of a kind may be deleted when they leave git: not the excluded ones (ruling 7e), nor those fluxd never listed. */
export function makePrunableKinds(patterns: readonly string[]): (kind: Kind) => boolean {
  const isExcluded = makeExcludedKinds(patterns)
  return (kind) => !neverListed.has(`${groupOf(kind.apiVersion)}/${kind.kind}`) && !isExcluded(kind)
}
