export { type Chart, type Charts, createCharts, type FolderChart } from './charts.ts'
export { createHelm } from './create-helm.ts'
export type { Helm, HelmOutcome, HelmTarget, HelmWrite } from './helm.ts'
export {
  decodeStoredRelease,
  type StoredRelease,
  type StoredSummary,
  summariseStoredRelease,
} from './stored-release.ts'
