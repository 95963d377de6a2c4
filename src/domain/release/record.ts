import type { Reason } from '../status/reason.ts'
import type { ReleaseSpec } from './spec.ts'
import type { LeftRelease } from './left-behind.ts'
import type { Upgrades } from './upgrade-loop.ts'
import type { Pin } from './rollback-request.ts'
import { hasNumbers, hasTexts, mapOf } from '../../lib/raw.ts'

export type HelmVerb = 'install' | 'upgrade' | 'rollback' | 'test' | 'uninstall'

/** What helm was about to do; written before each helm write, so that whoever comes after a crash knows whose it was (hazard A3). */
export type Intent = {
  verb: HelmVerb
  /** The number that helm will give to its next revision. */
  revision: number
  /** Of the process that wrote it; see Fence. */
  epoch: string
  /** RFC 3339. */
  at: string
  /** What it was about to deploy; empty where the verb has no inputs. */
  inputs: string
}

/** The inputs that were deployed last, and where. */
export type Applied = {
  chart: string
  /** What people call the version: the chart's own, or the commit it came from. */
  chartRevision: string
  values: string
  /** Helm's number of it. */
  revision: number
  /** Of helm's Secret; left out where it was not known. */
  uid?: string
  /** Its tests have not passed yet, be they asked for or not. */
  testDue?: true
  /** It is waited for: its objects are not all ready yet. */
  readyDue?: ReadyDue
}

/** Who waits for readiness, since when and how long, and when helm had begun; RFC 3339. */
export type ReadyDue = { by: 'install' | 'upgrade'; began?: string; since: string; until: string }

/** Inputs that failed: damped, not given up (ruling 11). Other inputs have a new budget. */
export type Failed = {
  inputs: string
  by: 'install' | 'upgrade' | 'test'
  /** Of the HelmRelease; a new one is tried at once. */
  generation: number
  /** Whose rights it had; left out: ours. Another one is tried at once, too: an annotation that names it makes no generation. */
  account?: string
  attempts: number
  /** Helm's newest revision after the failure; 0 once all of them were taken away. */
  revision: number
  /** helm stored a revision before it failed, so there is something to roll back from. */
  stored: boolean
  /** How often these inputs were rolled back, and the revision that the last rollback made. */
  rollbacks: number
  rolledBackTo?: number
  /** It is waited for what the last rollback made to be ready. */
  rollbackDue?: Omit<ReadyDue, 'by'>
  /** The last rollback failed with these words. */
  rollbackFailed?: string
  reason: Reason
  /** Redacted; safe to print. */
  message: string
  /** RFC 3339: when the last try began, where it is rolled back and tried again; left out: its end counts. */
  began?: string
  /** RFC 3339: of the last try, and when the next one may begin. */
  at: string
  retryAt: string
}

/**
 * Our bookkeeping for one release, beside helm's Secrets: ConfigMap `capstan-release-<release>` in the target namespace, key
 * `record.json`. No CRD schema prunes it (ruling 1).
 */
export type ReleaseRecord = {
  version: 1
  /** The HelmRelease that this release belongs to. */
  owner: { uid: string; namespace: string; name: string }
  /** RFC 3339: when this HelmRelease and this release met first. */
  since: string
  intent?: Intent
  applied?: Applied
  failed?: Failed
  /** First contact found it in trouble, with these inputs wanted: left alone until they change (ruling 10). */
  held?: { inputs: string }
  /** The HelmRelease was suspended when it was looked at last; noted only where no finalizer keeps it. */
  suspended?: true
  /** ServiceAccount, in the namespace of the owner, with whose rights it was released; noted only where no finalizer keeps it. */
  account?: string
  /** helm's number of the last revision that was ready and whose tests passed: where a rollback goes. */
  good?: number
  /** What it had under other names or in other namespaces, and is still there (ruling 21). */
  left?: LeftRelease[]
  /** How often the same inputs were deployed over what was deployed before (helm-operator complaint 3). */
  upgrades?: Upgrades
  /** Its HelmRelease is one of flux.weave.works/v1beta1: it is never uninstalled (ruling 9). */
  legacy?: true
  /** Somebody rolled it back: how that was answered. */
  pinned?: Pin
}

export const recordLabels = { 'app.kubernetes.io/managed-by': 'capstan', 'capstan.dev/record': 'release' } as const

/** Label of a record: uid of the HelmRelease, so that what a rename leaves behind is found. */
const ownerLabel = 'capstan.dev/owner'

/**
 * Label of a record whose release is made or removed just now, or held: no finalizer keeps its HelmRelease before its first install has
 * ended (ruling 12), nor while the release of one that is gone is removed, nor where nothing of it is ours.
 */
export const beginningLabel = 'capstan.dev/beginning'

/** The labels that a record is found by. */
export function labelsOf({ owner, intent, held }: ReleaseRecord): Record<string, string> {
  const isUnkept = intent?.verb === 'install' || intent?.verb === 'uninstall' || held !== undefined
  const beginning = isUnkept ? { [beginningLabel]: 'true' } : {}
  return { ...recordLabels, [ownerLabel]: owner.uid, ...beginning }
}

/** Finds the records of releases whose first install or removal is under way, or was cut short, and of those that are held. */
export function beginningSelector(): string {
  return `${recordSelector()},${beginningLabel}=true`
}

/** Finds records: all of them, or those of one HelmRelease by its uid. */
export function recordSelector(uid?: string): string {
  const labels = { ...recordLabels, ...(uid === undefined ? {} : { [ownerLabel]: uid }) }
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

export function recordName(release: string): string {
  return `capstan-release-${release}`
}

/**
 * Undefined when it is not ours, damaged, or of a version that we do not know: then it is made anew from what helm stored. A part that
 * is damaged is dropped alone.
 */
export function parseRecord(text: string | undefined): ReleaseRecord | undefined {
  const value = mapOf(parseJson(text))
  const owner = mapOf(value.owner)
  if (value.version !== 1 || !hasTexts(owner, ['uid', 'namespace', 'name'])) return undefined
  const { since, intent, applied, failed, held, good, left, suspended, account, upgrades, pinned, legacy } = value
  return {
    version: 1,
    owner: owner as ReleaseRecord['owner'],
    since: typeof since === 'string' ? since : '',
    ...(isIntent(intent) ? { intent } : {}),
    ...(isApplied(applied) ? { applied } : {}),
    ...(isFailed(failed) ? { failed } : {}),
    ...(hasTexts(mapOf(held), ['inputs']) ? { held: held as { inputs: string } } : {}),
    ...(suspended === true ? { suspended } : {}),
    ...(typeof account === 'string' ? { account } : {}),
    ...(typeof good === 'number' ? { good } : {}),
    ...(Array.isArray(left) ? { left: left.filter(isLeft) } : {}),
    ...(isUpgrades(upgrades) ? { upgrades } : {}),
    ...(legacy === true ? { legacy } : {}),
    ...(isPin(pinned) ? { pinned } : {}),
  }
}

function isIntent(value: unknown): value is Intent {
  return hasTexts(mapOf(value), ['verb', 'epoch', 'at', 'inputs']) && hasNumbers(mapOf(value), ['revision'])
}

function isApplied(value: unknown): value is Applied {
  const { readyDue } = mapOf(value)
  const isDue = readyDue === undefined || hasTexts(mapOf(readyDue), ['by', 'since', 'until'])
  return isDue && hasTexts(mapOf(value), ['chart', 'chartRevision', 'values']) && hasNumbers(mapOf(value), ['revision'])
}

function isPin(value: unknown): value is Pin {
  return hasTexts(mapOf(value), ['request', 'inputs']) && hasNumbers(mapOf(value), ['revision'])
}

function isFailed(value: unknown): value is Failed {
  const { rollbackDue } = mapOf(value)
  if (rollbackDue !== undefined && !hasTexts(mapOf(rollbackDue), ['since', 'until'])) return false
  const texts = ['inputs', 'by', 'reason', 'message', 'at', 'retryAt']
  const numbers = ['generation', 'attempts', 'revision', 'rollbacks']
  return hasTexts(mapOf(value), texts) && hasNumbers(mapOf(value), numbers)
}

function isLeft(value: unknown): value is LeftRelease {
  return hasTexts(mapOf(value), ['namespace', 'release'])
}

function isUpgrades(value: unknown): value is Upgrades {
  return hasTexts(mapOf(value), ['inputs', 'at']) && hasNumbers(mapOf(value), ['generation', 'count'])
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}

/** The same was wanted of the HelmRelease when it failed; anything else is tried at once and has a new budget. */
export function isFailedWish(
  failed: Pick<Failed, 'generation' | 'account'>,
  { generation, serviceAccount }: Pick<ReleaseSpec, 'generation' | 'serviceAccount'>,
): boolean {
  return failed.generation === generation && (failed.account ?? '') === serviceAccount
}

/** One word for a set of inputs: the chart's whole tree and the composed values. */
export function inputsOf(wanted: { chart: string; values: string }): string {
  return `${wanted.chart}+${wanted.values}`
}
