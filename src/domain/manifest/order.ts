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

/** Of every kind that has no place of its own. */
export const lastRank = ranks.length

/**
 * Place in the apply order: 0 namespaces and definitions, then accounts and services, then configuration, then workloads, and 4
 * for all else. As fluxd's (flux-v1 §10), but for definitions: they come first because any kind may be theirs.
 */
export function rankOf(kind: string): number {
  return rankByKind.get(kind.toLowerCase()) ?? lastRank
}
