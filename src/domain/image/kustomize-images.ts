import { type Document, parseDocument } from 'yaml'
import { manifestYaml } from '../manifest/go-yaml.ts'
import type { KubeObject } from '../manifest/object.ts'
import { isTooDeep } from '../manifest/prescan.ts'
import { splitDocuments } from '../manifest/split.ts'
import { toJson } from '../manifest/to-json.ts'
import { hasSeal, type OpenObject } from './open-manifests.ts'
import { type ImageRef, parseRef, printRef } from './ref.ts'
import type { Path } from './value-at.ts'
import type { Workload } from './workload.ts'

/** An entry of `images:` in a kustomization that sets a tag: what stands there counts, whatever the manifests say. */
export type ImageOverride = {
  file: string
  /** Name of the image in the manifests, without tag. */
  name: string
  /** As it is after kustomize. */
  image: ImageRef
  /** Where the tag stands. */
  path: Path
  text: string
  /** Why no tag can be written, in words for people; absent where it can. */
  problem?: string
}

/** The one document of a kustomization with its place in the text, whether it has a kind or not; none where it cannot be read. */
export function openKustomization(text: string): OpenObject[] {
  const [only, ...more] = splitDocuments(text)
  if (!only || more.length > 0 || isTooDeep(only.text)) return []
  const document = parseDocument(only.text, manifestYaml) as Document.Parsed
  const { value, refusals } = toJson(document)
  if (document.errors.length > 0 || refusals.length > 0) return []
  // only its fields are looked at, whatever it is
  const object = value as unknown as KubeObject
  return [{ object, node: document.contents, offset: only.offset, isSealed: hasSeal(document) }]
}

/** The tags and digests that a kustomization sets; an entry that only renames leaves the tag to the manifest. */
export function overridesOf(file: string, text: string): ImageOverride[] {
  const [open] = openKustomization(text)
  const images = (open?.object as { images?: unknown } | undefined)?.images
  if (!Array.isArray(images)) return []
  return images.flatMap((entry: unknown, index): ImageOverride[] => {
    const { name, newName, newTag, digest } = (entry ?? {}) as Record<string, unknown>
    if (typeof name !== 'string' || (newTag === undefined && digest === undefined)) return []
    const base = parseRef(typeof newName === 'string' ? newName : name)
    if (!base) return []
    const tag = typeof newTag === 'string' ? newTag : undefined
    const common = { file, name, image: { ...base, ...(tag ? { tag } : {}) }, path: ['images', index, 'newTag'] }
    if (digest !== undefined) return [{ ...common, text: tag ?? '', problem: `${file} sets its digest; edit it there` }]
    if (tag === undefined)
      return [{ ...common, text: '', problem: `its newTag in ${file} is not a text; put it in quotes` }]
    return [{ ...common, text: tag }]
  })
}

/** The workload as kustomize leaves it: where an override counts, its tag is the one to change. Two of them are nobody's to choose. */
export function withOverrides(workload: Workload, overrides: readonly ImageOverride[]): Workload {
  if (workload.ref.kind === 'HelmRelease' || overrides.length === 0) return workload
  const containers = workload.containers.map((container) => {
    const { domain, path } = container.image
    const found = overrides.filter(({ name }) => name === printRef({ domain, path }))
    const [only] = found
    if (!only) return container
    if (found.length > 1) {
      const files = [...new Set(found.map(({ file }) => file))].join(' and ')
      return { ...container, problem: `its tag is set by images: of ${files}; edit it there` }
    }
    const { file, image, path: place, text, problem } = only
    const { problem: _, ...rest } = container
    return { ...rest, file, image, path: place, text, isTagAlone: true as const, ...(problem ? { problem } : {}) }
  })
  return { ...workload, containers }
}
