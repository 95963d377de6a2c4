export {
  type Chart,
  type ChartRequest,
  type Charts,
  createCharts,
  type FolderChart,
  type KnownRepositories,
} from './charts.ts'
export { type ChartPlugins, createChartPlugins } from './chart-plugins.ts'
export { createHelm } from './create-helm.ts'
export type { Helm, HelmOutcome, HelmTarget, HelmWrite, PreviewRequest } from './helm.ts'
export type { RegistryLogins } from './oci.ts'
export {
  decodeStoredRelease,
  type StoredHook,
  type StoredRelease,
  type StoredSummary,
  summariseStoredRelease,
} from './stored-release.ts'
export { createKnownRepositories } from './known-repositories.ts'
