/** What helm reads of a chart and does not store, or not among its files (helm.sh/helm/v3/pkg/chart). */
const apart = new Set([
  '.helmignore',
  'Chart.lock',
  'Chart.yaml',
  'requirements.lock',
  'values.schema.json',
  'values.yaml',
])

/**
 * True where the files that helm stored of a chart do not tell whether this tree is that chart: there are others in it. They may have been
 * added since, be of a subchart, which helm never stores, or be left out by `.helmignore`.
 */
export function hasUntold(tree: readonly string[], stored: ReadonlyMap<string, unknown>): boolean {
  return tree.some((path) => !apart.has(path) && !stored.has(path))
}
