/** Types of events; those of fluxd first. */
export const eventTypeNames = [
  'commit',
  'sync',
  'release',
  'autorelease',
  'automate',
  'deautomate',
  'lock',
  'unlock',
  'update_policy',
  'helm_release',
  'error',
  'suspend',
  'resume',
  'approve',
  'rollback',
  'test',
] as const
export const severityNames = ['info', 'warning', 'error'] as const
