import type { Cluster } from '../adapters/cluster/index.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import { helmReleaseKind, legacyReleaseKind } from '../domain/release/spec.ts'
import {
  type Enqueue,
  type JobPayload,
  laneOfReason,
  type Lane,
  type Outcome,
  periodicReason,
  type WorkRequest,
} from '../domain/work/job.ts'
import { anewReason, listUnkept } from './sync-release/orphans.ts'
import { mapOf, textOf } from '../lib/raw.ts'
import type { Sources } from './sources.ts'

/** What a `resync` job may list; the payload's name. */
export const resyncScopes = ['poll', 'sources', 'releases', 'charts', 'images', 'sinks'] as const
export type ResyncScope = (typeof resyncScopes)[number]

export type ResyncDeps = {
  sources: Sources
  cluster: Pick<Cluster, 'list' | 'resource'>
  enqueue: Enqueue
  /** Canonical repositories to scan. */
  scans: (signal: AbortSignal) => Promise<readonly string[]>
  /** Sinks that have not got all events yet. */
  sinks: () => Promise<readonly string[]>
  /** Periodic scans begin spread over so many milliseconds, by chance. */
  scanSpreadMs: number
  random: () => number
  /** The one namespace in which releases are looked for; empty means all (`--allow-namespace`). */
  releaseNamespace: string
  /** A finalizer keeps HelmReleases once they are installed; what none kept is looked for. */
  finalizer: boolean
  /** Old HelmReleases are served, too (ruling 9). */
  legacyReleases?: boolean
  /** Those of these HelmReleases at which nothing is to be looked; left out: all are. */
  resting?: (
    releases: Promise<readonly KubeObject[]>,
    payload: JobPayload,
    signal: AbortSignal,
  ) => Promise<readonly KubeObject[]>
}

/**
 * Enqueues the periodic work of one scope. It changes nothing itself; what waits already is joined, not doubled. Source objects have
 * intervals of their own, by which the leader asks for them; they are here only when all work is asked for again.
 */
export async function resync(payload: JobPayload, deps: ResyncDeps, signal: AbortSignal): Promise<Outcome> {
  const requests = await listWork(payload, deps, signal)
  for (const request of requests) {
    signal.throwIfAborted()
    const reason = request.reason || payload.reason || periodicReason
    const isSpread = request.kind === 'scan-image' && reason === periodicReason
    const delayMs = isSpread ? Math.round(deps.random() * deps.scanSpreadMs) : 0
    await deps.enqueue({
      ...request,
      reason,
      lane: laneOf(request, payload.reason),
      ...(joinsRun(request, payload.reason) ? { joinsRun: true } : {}),
      ...(delayMs > 0 ? { delayMs } : {}),
    })
  }
  return { end: 'done', summary: `${requests.length} enqueued` }
}

/**
 * A new leader, a lost queue or somebody who asks for everything: what was away may be back, so no back-off of before goes on (hazards
 * C1, D1). It stays behind what people and pushes ask for by name. A registry that asked for a pause has it also then (hazard E2), and a
 * release that failed keeps its back-off unless somebody asks for it by name (ruling 11).
 */
function laneOf({ kind }: Work, asked: string): Lane {
  if (kind === 'scan-image' || asked === '' || asked === periodicReason) return 'periodic'
  return kind === 'sync-release' && laneOfReason(asked) === 'person' ? 'periodic' : 'change'
}

/** A release at which somebody looks just now; what changes meanwhile is told by the watch. Who asks means what is there by now. */
function joinsRun({ kind, reason }: Work, asked: string): boolean {
  return kind === 'sync-release' && reason === undefined && laneOfReason(asked) !== 'person'
}

type Work = Pick<WorkRequest, 'kind' | 'namespace' | 'name'> & { reason?: string }

async function listWork(payload: JobPayload, deps: ResyncDeps, signal: AbortSignal): Promise<Work[]> {
  const scope = payload.name as ResyncScope
  switch (scope) {
    case 'poll':
    case 'sources': {
      const kind = scope === 'poll' ? 'fetch-source' : 'sync-source'
      const isAll = payload.reason !== periodicReason
      const sources = deps.sources
        .list()
        .filter(({ origin, suspended }) => (isAll ? scope === 'sources' || !suspended : origin === 'flags'))
      return sources.map(({ namespace, name }) => ({ kind, namespace, name }))
    }
    case 'releases':
      return await listReleases(payload, listDefined(deps, signal), deps, signal)
    case 'charts':
      return await listReleases(payload, listFromGit(deps, signal), deps, signal)
    case 'images':
      return (await deps.scans(signal)).map((name) => ({ kind: 'scan-image', namespace: '', name }))
    case 'sinks':
      return (await deps.sinks()).map((name) => ({ kind: 'deliver-event', namespace: payload.namespace, name }))
  }
}

type Listed = { releases: KubeObject[]; isDefined: boolean }

/** Those whose chart a commit can change; nobody looks for orphans so often. */
async function listFromGit(deps: ResyncDeps, signal: AbortSignal): Promise<Listed> {
  const { releases } = await listDefined(deps, signal)
  const isFromGit = ({ spec }: KubeObject) => textOf(mapOf(mapOf(spec).chart).git) !== ''
  return { releases: releases.filter(isFromGit), isDefined: false }
}

async function listReleases(
  payload: JobPayload,
  listing: Promise<Listed>,
  deps: ResyncDeps,
  signal: AbortSignal,
): Promise<Work[]> {
  const resting = deps.resting?.(
    listing.then(({ releases }) => releases),
    payload,
    signal,
  )
  const [{ releases, isDefined }, atRest = []] = await Promise.all([listing, resting])
  const gone = isDefined ? await listGone(releases, deps, signal) : []
  const left = new Set(atRest)
  const due = releases.filter((release) => !left.has(release)).map(nameOf)
  return [...due, ...gone].map((one) => ({ kind: 'sync-release', ...one }))
}

/**
 * All HelmReleases of the kinds that are served; `isDefined`: ours is among these kinds. From the API server's cache: what changed since
 * is told by the watch, and a run reads its HelmRelease itself. To read them all from etcd costs the API server most of an idle resync.
 */
async function listDefined(
  { cluster, releaseNamespace, legacyReleases }: ResyncDeps,
  signal: AbortSignal,
): Promise<Listed> {
  const scope = releaseNamespace ? { namespace: releaseNamespace } : {}
  const releases: KubeObject[] = []
  let isDefined = false
  for (const kind of legacyReleases ? [helmReleaseKind, legacyReleaseKind] : [helmReleaseKind]) {
    if (!(await cluster.resource(kind.apiVersion, kind.kind, signal))) continue
    isDefined ||= kind === helmReleaseKind
    releases.push(...(await cluster.list({ ...kind, ...scope, mayBeOld: true }, signal)))
  }
  return { releases, isDefined }
}

function nameOf({ metadata: { namespace = '', name } }: KubeObject): { namespace: string; name: string } {
  return { namespace, name }
}

/** Owners of records that do not exist any more, each once; another one may have the name since. */
async function listGone(
  releases: readonly KubeObject[],
  deps: ResyncDeps,
  signal: AbortSignal,
): Promise<Omit<Work, 'kind'>[]> {
  const there = new Set(releases.map(({ metadata }) => metadata.uid))
  const names = new Set(releases.map(({ metadata: { namespace = '', name } }) => `${namespace}/${name}`))
  const records = await listUnkept(deps, signal)
  const gone = records.map(({ record }) => record.owner).filter(({ uid }) => !there.has(uid))
  const once = new Map(gone.map(({ namespace, name }) => [`${namespace}/${name}`, { namespace, name }]))
  return [...once].map(([id, owner]) => (names.has(id) ? { ...owner, reason: anewReason } : owner))
}
