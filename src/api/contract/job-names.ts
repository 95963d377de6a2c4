/** Kinds of jobs, in the order of a list; each is a queue in Redis. */
export const jobKindNames = [
  'fetch-source',
  'sync-source',
  'sync-release',
  'scan-image',
  'update-images',
  'plan-source',
  'change-source',
  'plan-release',
  'change-release',
  'deliver-event',
  'resync',
] as const
export const jobStateNames = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const
