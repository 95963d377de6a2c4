import { imagePathPrefixes } from '../manifest/annotations.ts'
import type { KubeObject } from '../manifest/object.ts'
import type { Container } from './container.ts'
import { parseRef } from './ref.ts'
import { type Path, valueAt } from './value-at.ts'

/** The name of an image that stands in the values themselves (flux-v1 §18). */
const topName = 'chart-image'
const valuesPath: Path = ['spec', 'values']

/** Where the parts of one image stand. */
type Parts = { isMapped: boolean; repository: Path; registry?: Path; tag?: Path }

/**
 * The images in the values of a HelmRelease (flux-v1 §18): the eight automatic shapes at the top and one level below it, and those
 * that annotations point at, which win over an automatic one of the same name. First `chart-image`, then by name.
 */
export function locateInValues(object: KubeObject): Container[] {
  const found = new Map<string, Container>()
  const values = valueAt(object, valuesPath)
  if (!isMap(values)) return []
  const levels: [string, Path][] = [[topName, valuesPath]]
  for (const key of Object.keys(values)) levels.push([key, [...valuesPath, key]])
  for (const [name, path] of levels) {
    const parts = automaticParts(object, path)
    const container = parts && readParts(object, name, parts)
    if (container) found.set(name, container)
  }
  for (const [name, parts] of mappedParts(object.metadata.annotations ?? {})) {
    const container = readParts(object, name, parts)
    if (container) found.set(name, container)
  }
  return [...found.values()].toSorted((a, b) => orderOf(a.name, b.name))
}

function orderOf(a: string, b: string): number {
  if (a === topName || b === topName) return a === topName ? -1 : 1
  return a < b ? -1 : 1
}

/** `image: name` with `registry` and `tag` beside it, or `image: {repository: name}` with them inside. */
function automaticParts(object: KubeObject, path: Path): Parts | undefined {
  const image = valueAt(object, [...path, 'image'])
  const base = isMap(image) ? [...path, 'image'] : path
  const repository = isMap(image) ? [...base, 'repository'] : [...path, 'image']
  if (typeof valueAt(object, repository) !== 'string') return undefined
  const has = (key: string) => valueAt(object, [...base, key]) !== undefined
  return {
    isMapped: false,
    repository,
    ...(has('registry') ? { registry: [...base, 'registry'] } : {}),
    ...(has('tag') ? { tag: [...base, 'tag'] } : {}),
  }
}

/** Dot-paths below the values, by the alias that stands for the container's name. */
function mappedParts(annotations: Readonly<Record<string, string>>): Map<string, Parts> {
  const mapped = new Map<string, Parts>()
  for (const [key, value] of Object.entries(annotations)) {
    if (!key.startsWith(imagePathPrefixes.repository)) continue
    const alias = key.slice(imagePathPrefixes.repository.length)
    const [registry, tag] = [
      annotations[imagePathPrefixes.registry + alias],
      annotations[imagePathPrefixes.tag + alias],
    ]
    mapped.set(alias, {
      isMapped: true,
      repository: dotPath(value),
      ...(registry === undefined ? {} : { registry: dotPath(registry) }),
      ...(tag === undefined ? {} : { tag: dotPath(tag) }),
    })
  }
  return mapped
}

function dotPath(text: string): Path {
  return [...valuesPath, ...text.split('.')]
}

/**
 * The image that the parts make. A registry that is no text does not count, nor does an automatic tag that is none, but then there
 * is no safe place for a new one; a part that an annotation names must be there.
 */
function readParts(object: KubeObject, name: string, parts: Parts): Container | undefined {
  const at = (path: Path | undefined) => (path ? valueAt(object, path) : undefined)
  const [repository, registry, tag] = [at(parts.repository), at(parts.registry), at(parts.tag)]
  if (typeof repository !== 'string') return undefined
  if (parts.isMapped && (isLost(parts.registry, registry) || isLost(parts.tag, tag))) return undefined
  const full = `${typeof registry === 'string' ? `${registry}/` : ''}${repository}`
  const image = parseRef(typeof tag === 'string' ? `${full}:${tag}` : full)
  if (!image) return undefined
  if (parts.tag && typeof tag === 'string') return { name, image, path: parts.tag, text: tag, isTagAlone: true }
  if (parts.tag && tag !== null) {
    const problem = 'the tag in the values is not a text; put it in quotes'
    return { name, image, path: parts.tag, text: '', isTagAlone: true, problem }
  }
  // charts put the tag behind the name: one written into the name would give two
  const isGuess = !parts.isMapped && image.tag === undefined
  const problem = isGuess ? { problem: 'the values name the image without a tag, so there is none to change' } : {}
  return { name, image, path: parts.repository, text: repository, ...problem }
}

function isLost(path: Path | undefined, value: unknown): boolean {
  return path !== undefined && typeof value !== 'string'
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
