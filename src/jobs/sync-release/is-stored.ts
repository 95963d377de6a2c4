import type { StoredRelease } from '../../adapters/helm/index.ts'
import { secretValues } from '../../domain/plan/masked.ts'
import { changesBetween, objectsOf } from '../../domain/release/manifest-changes.ts'
import { hasUntold } from '../../domain/release/stored-chart.ts'
import { mergeValues, parseValues } from '../../domain/release/values.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { releaseRequest } from './release-request.ts'
import { readStored } from './revisions.ts'
import type { PreparedChart, Wanted, Work } from './work.ts'

/**
 * Is what helm stored the same chart and the same values? Where the stored files do not tell, what helm renders now does: the same objects
 * need no new revision.
 */
export async function isStored(work: Work, wanted: Wanted, deps: SyncReleaseDeps): Promise<boolean> {
  const release = await readStored(work, deps)
  const { chart } = wanted
  if (!release || release.chartName !== chart.name || release.chartVersion !== chart.version) return false
  const resulting = work.spec.resetValues ? wanted.values : mergeValues([release.config, wanted.values])
  if (canonicalJson(release.config) !== canonicalJson(resulting)) return false
  const defaults = parseValues((await deps.charts.readFile(chart, 'values.yaml')) ?? '')
  if (release.chartValues && canonicalJson(release.chartValues) !== canonicalJson(defaults)) return false
  for (const [file, content] of release.files) {
    if ((await deps.charts.readFile(chart, file)) !== content) return false
  }
  return (await isWhole(release, chart, deps)) || (await rendersSame(release, work, wanted, deps))
}

/** Whether the files that helm stored, the same as those of the chart, are all that counts. */
async function isWhole(release: StoredRelease, chart: PreparedChart, { charts }: SyncReleaseDeps): Promise<boolean> {
  if (!release.chartValues || release.appVersion !== chart.appVersion) return false
  return !hasUntold(await charts.listFiles(chart), release.files)
}

/** As the Helm Operator asked at each look (helm-operator §4.3), and we only where nothing else tells. */
async function rendersSame(
  release: StoredRelease,
  { spec, signal }: Work,
  { chart, values }: Wanted,
  deps: SyncReleaseDeps,
): Promise<boolean> {
  const { resetValues, forceUpgrade: force } = spec
  const request = { ...releaseRequest(spec, chart, values), wait: false, verb: 'upgrade', resetValues, force } as const
  const outcome = await deps.helm.preview(request, signal)
  signal.throwIfAborted()
  if (!outcome.ok) return false
  const [before, after] = [release.manifest, outcome.manifest].map((text) => objectsOf(text, spec.targetNamespace))
  const forget = deps.redactor.register([...(before ?? []), ...(after ?? [])].flatMap(secretValues))
  try {
    return changesBetween(before ?? [], after ?? [], deps.redactor.redact).changes.length === 0
  } finally {
    forget()
  }
}
