import type { PolicyChange, UpdateResult, UpdateSpec } from '../work/update-spec.ts'

/**
 * The message of an automated commit, to the letter (flux-v1 §20): `Auto-release <image>`, or a list for several. `images` as they
 * stand in the manifests afterwards; `suffix` is appended as it is (`--git-ci-skip`).
 */
export function autoReleaseMessage(images: readonly string[], suffix: string): string {
  const sorted = [...new Set(images)].toSorted((a, b) => (a < b ? -1 : 1))
  if (sorted.length === 0) return `Auto-release (no images)\n${suffix}`
  if (sorted.length === 1) return `Auto-release ${sorted[0]}${suffix}`
  return `Auto-release multiple (${sorted.length}) images\n\n${sorted.map((image) => ` - ${image}\n`).join('')}${suffix}`
}

/** The message of a commit that somebody asked for (flux-v1 §20); their own words win. */
export function updateMessage(update: UpdateSpec, result: UpdateResult, suffix: string): string {
  return `${bodyOf(update, result)}${suffix}`
}

function bodyOf(update: UpdateSpec, result: UpdateResult): string {
  const { Message: own } = update.cause
  if (update.type === 'policy') return policyMessage(update.spec, result, own)
  if (own) return own
  if (update.type === 'containers') return containersMessage(result)
  const to = update.spec.ServiceSpecs.map(withoutBrackets).join(', ')
  return `Release ${withoutBrackets(update.spec.ImageSpec)} to ${to}`
}

function withoutBrackets(text: string): string {
  return text.replace(/^<|>$/g, '')
}

function containersMessage(result: UpdateResult): string {
  const done = Object.entries(result).filter(([, { Status }]) => Status === 'success')
  const failed = Object.entries(result).filter(([, { Status }]) => Status === 'failed')
  const lists = done.map(
    ([id, { PerContainer = [] }]) => `\n${id}\n${PerContainer.map(({ Target }) => `- ${Target}\n`).join('')}`,
  )
  const failures = failed.length > 0 ? `\n${failed.map(([id, { Error: why = '' }]) => `${id}: ${why}`).join('\n')}` : ''
  return `Update image refs in ${done.map(([id]) => id).join(', ')}\n${lists.join('')}${failures}`
}

const events = ['Automated', 'Deautomated', 'Locked', 'Unlocked', 'Updated policies'] as const
type PolicyEvent = (typeof events)[number]

/** A line for each kind of change, with the workloads that it was made to. */
function policyMessage(spec: Readonly<Record<string, PolicyChange>>, result: UpdateResult, own: string): string {
  const lines = new Map<PolicyEvent, string[]>()
  for (const [id, change] of Object.entries(spec)) {
    if (result[id]?.Status !== 'success') continue
    for (const event of eventsOf(change)) lines.set(event, [...(lines.get(event) ?? []), id])
  }
  const texts = events.flatMap((event) =>
    lines.has(event) ? [`${event}: ${lines.get(event)?.toSorted().join(', ')}`] : [],
  )
  if (!own && texts.length === 1) return `${texts[0]}\n`
  return `${own || 'Updated workload policies'}\n\n${texts.map((text) => `- ${text}\n`).join('')}`
}

/** Who locked and why belongs to the lock. */
function eventsOf({ add, remove }: PolicyChange): Set<PolicyEvent> {
  const found = new Set<PolicyEvent>()
  for (const name of Object.keys(add)) found.add(eventOf(name, 'Automated', 'Locked'))
  for (const name of Object.keys(remove)) found.add(eventOf(name, 'Deautomated', 'Unlocked'))
  return found
}

function eventOf(name: string, automated: PolicyEvent, locked: PolicyEvent): PolicyEvent {
  if (name === 'automated') return automated
  return name === 'locked' || name === 'locked_user' || name === 'locked_msg' ? locked : 'Updated policies'
}
