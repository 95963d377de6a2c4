import { idOf, type KubeObject } from '../../domain/manifest/object.ts'
import { helmReleaseKind } from '../../domain/release/spec.ts'
import type { ReleaseRow } from '../release-row.ts'
import { findExpected, findFailed } from './find-workload.ts'
import { explainObject, getOrNone, isNamed, type Named, nothing, one, type Parts, type Result } from './parts.ts'

/** A HelmRelease by its own name or by helm's, or one that could not be applied or may come with a source. */
export async function findRelease(named: Named, text: string, parts: Parts): Promise<Result> {
  const { namespace, name } = named
  if (namespace !== '') {
    const object = await getOrNone({ ...helmReleaseKind, namespace, name }, parts)
    if (object) return await explainObject(object, 'release', parts)
  }
  const { releases, helmReleases } = await parts.candidates()
  const own = releases.filter(isNamed(named))
  const rows = own.length > 0 ? own : await ofHelmName(releases, named, parts)
  const found = helmReleases.filter(({ metadata }) =>
    rows.some((row) => isNamed(row)({ namespace: metadata.namespace ?? '', name: metadata.name })),
  )
  const printed = ({ metadata }: KubeObject): string => `release/${metadata.namespace}/${metadata.name}`
  const answer = await one(found, printed, (object) => explainObject(object, 'release', parts))
  const id = namespace === '' ? `helmrelease/${name}` : idOf({ ...helmReleaseKind, namespace, name })
  return (
    answer ??
    (await findFailed(id, parts)) ??
    (await findExpected({ kind: 'release', id }, text, parts)) ??
    (await nothing(text, parts))
  )
}

/** Those that helm knows by a name, in that namespace; of other namespaces only what whoever asks may read. */
async function ofHelmName(
  releases: readonly ReleaseRow[],
  { namespace, name }: Named,
  { may }: Parts,
): Promise<readonly ReleaseRow[]> {
  const isThere = (row: ReleaseRow): boolean =>
    namespace === '' || row.namespace === namespace || row.targetNamespace === namespace
  const found = releases.filter((row) => row.release === name && isThere(row))
  const readable = await Promise.all(found.map(async (row) => await may('releases', row.namespace)))
  return found.filter((_row, at) => readable[at])
}
