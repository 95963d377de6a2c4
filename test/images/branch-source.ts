import { fluxdSource, type SourceSpec } from '../../src/domain/source/spec.ts'

/** A source as the flags of fluxd make one, of the branch `main`. */
export function branchSource(url: string, change: Partial<SourceSpec> = {}): SourceSpec {
  return {
    namespace: 'capstan-system',
    name: 'default',
    url,
    ...fluxdSource,
    ref: { kind: 'branch', value: 'main' },
    branch: 'main',
    paths: [],
    pollIntervalMs: 60_000,
    syncIntervalMs: 60_000,
    syncTimeoutMs: 60_000,
    prune: true,
    pruneDry: false,
    allowedNamespaces: [],
    defaultNamespace: 'default',
    ...change,
  }
}
