import type { Json } from './object.ts'

type Fields = { [key: string]: Json }

const orderOf = '$setElementOrder/'
const dropFrom = '$deleteFromPrimitiveList/'
const retain = '$retainKeys'
/** What tells the items of a list apart where the patch does not say it. */
const usualKeys = [
  'name',
  'containerPort',
  'mountPath',
  'devicePath',
  'port',
  'ip',
  'key',
  'topologyKey',
  'uid',
  'type',
]

/**
 * A strategic merge patch without what Kubernetes knows and kustomize would take for fields: `$setElementOrder/…`,
 * `$deleteFromPrimitiveList/…` and `$retainKeys`. fluxd's patch files are full of them.
 */
export function withoutDirectives(patch: Json): Json {
  if (Array.isArray(patch)) return patch.map(withoutDirectives)
  if (!isFields(patch)) return patch
  const kept = Object.entries(patch).filter(([key]) => !isDirective(key))
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutDirectives(value)]))
}

/**
 * Does to a patched object what those directives ask. Lists that were merged get the order that the patch gives, else the one that
 * they had: kustomize puts patched items first, and another order of containers would replace every Pod.
 */
export function finishPatch(result: Json, patch: Json, original: Json | undefined): Json {
  if (!isFields(result) || !isFields(patch)) return result
  const before = isFields(original) ? original : {}
  const retained = patch[retain]
  const kept = Object.entries(result).filter(([key]) => !Array.isArray(retained) || retained.includes(key))
  return Object.fromEntries(
    kept.map(([key, value]) => [
      key,
      Array.isArray(value)
        ? finishList(value, { key, patch, original: before[key] })
        : finishPatch(value, patch[key] ?? null, before[key]),
    ]),
  )
}

function finishList(
  list: Json[],
  { key, patch, original }: { key: string; patch: Fields; original: Json | undefined },
): Json[] {
  const order = listAt(patch, orderOf + key)
  const given = listAt(patch, key)
  const before = Array.isArray(original) ? original : []
  const drop = listAt(patch, dropFrom + key)
  const left = list.filter((item) => !drop.includes(item))
  if (order.length === 0 && given.length === 0) return left
  const name = nameOf(order, [...left, ...before])
  const finished = left.map((item) => {
    const itsPatch = given.find((one) => isFields(one) && name(one) !== undefined && name(one) === name(item))
    const itsBefore = before.find((one) => name(one) === name(item))
    return itsPatch === undefined ? item : finishPatch(item, itsPatch, itsBefore)
  })
  if (order.length > 0) return arrange(finished, order, name)
  // As long as the patch's own list means that it was replaced, not merged.
  return finished.length > given.length ? arrange(finished, before, name) : finished
}

/** How the items of a list are told apart: by the field that the directive names, else by one that all have; texts by themselves. */
function nameOf(order: readonly Json[], items: readonly Json[]): (item: Json) => Json | undefined {
  const named = order.map((item) => (isFields(item) ? Object.keys(item)[0] : undefined))[0]
  const key = named ?? usualKeys.find((one) => items.every((item) => isFields(item) && item[one] !== undefined))
  return (item) => (isFields(item) ? (key === undefined ? undefined : item[key]) : item)
}

/** In the order of the model; what it does not name comes after it. */
function arrange(items: readonly Json[], model: readonly Json[], name: (item: Json) => Json | undefined): Json[] {
  const names = model.map(name)
  const place = (item: Json) => {
    const at = names.indexOf(name(item))
    return at < 0 ? names.length : at
  }
  return items.toSorted((a, b) => place(a) - place(b))
}

function listAt(patch: Fields, key: string): Json[] {
  const value = patch[key]
  return Array.isArray(value) ? value : []
}

function isDirective(key: string): boolean {
  return key === retain || key.startsWith(orderOf) || key.startsWith(dropFrom)
}

function isFields(value: Json | undefined): value is Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
