import { valid } from 'semver'
import { newestIn } from '../semver/newest.ts'

/**
 * The version of an index that `wanted` names: exactly that one (with or without a leading `v`), else the newest that lies in the range,
 * by the rules of Masterminds' semver, which helm and the Operator use (helm-operator §6.2): a pre-release counts only where the range
 * names one, as `>=1.0.0-0` does. Nothing given is any release. Undefined when there is none.
 */
export function pickChartVersion(versions: readonly string[], wanted: string): string | undefined {
  const exact =
    versions.find((version) => version === wanted) ?? versions.find((version) => bare(version) === bare(wanted))
  return exact ?? newestIn(wanted.trim() === '' ? '*' : wanted, versions)[0]
}

/** True when only one version can ever match, so that a chart that is here already needs no look at the index. */
export function isExactVersion(wanted: string): boolean {
  return valid(wanted) !== null
}

/** `1.2.3@sha256:<hex>`, `@sha256:<hex>` and `sha256:<hex>`: the digest is what counts. */
export function splitChartVersion(wanted: string): { version: string; digest?: string } {
  const [, version = '', digest] = /^(?:(.*)@)?(sha256:[0-9a-f]{64})$/.exec(wanted) ?? []
  return digest === undefined ? { version: wanted } : { version, digest }
}

function bare(version: string): string {
  return version.replace(/^v/, '')
}
