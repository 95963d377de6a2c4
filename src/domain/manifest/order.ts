/** Kinds by rank, lower-case; every other kind comes after them. */
const ranks: readonly (readonly string[])[] = [
  ['namespace', 'customresourcedefinition'],
  ['serviceaccount', 'clusterrole', 'role', 'persistentvolume', 'service'],
  [
    'resourcequota',
    'limitrange',
    'secret',
    'configmap',
    'rolebinding',
    'clusterrolebinding',
    'persistentvolumeclaim',
    'ingress',
  ],
  ['daemonset', 'deployment', 'replicationcontroller', 'replicaset', 'job', 'cronjob', 'statefulset'],
]

const rankByKind = new Map(ranks.flatMap((kinds, rank) => kinds.map((kind) => [kind, rank] as const)))

/**
 * Place in the apply order: 0 namespaces and definitions, then accounts and services, then configuration, then workloads, and 4
 * for all else. As fluxd's (flux-v1 §10), but for definitions: they come first because any kind may be theirs.
 */
export function rankOf(kind: string): number {
  return rankByKind.get(kind.toLowerCase()) ?? ranks.length
}

/** The items in stages, each to be finished before the next begins; inside a stage their order is kept. No stage is empty. */
export function stagesOf<T extends { object: { kind: string } }>(items: readonly T[]): T[][] {
  const stages = Map.groupBy(items, ({ object }) => rankOf(object.kind))
  return [...stages.entries()].toSorted(([a], [b]) => a - b).map(([, stage]) => stage)
}
