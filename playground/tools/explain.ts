import type { Missing } from './install.ts'

const wayNames = { path: 'on PATH', official: 'official file', go: 'Go build', apt: 'Debian package' }

/** For people: which tools are missing, what was tried, and what they can do. Tools with the same reasons share a paragraph. */
export function explainMissing(missing: readonly Missing[]): string {
  const groups = new Map<string, Missing[]>()
  for (const one of missing) {
    const key = one.reasons.map(({ way, reason }) => `  ${wayNames[way]}: ${reason}`).join('\n')
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return [...groups]
    .map(([reasons, tools]) => {
      const names = tools.map(({ tool }) => tool.name).join(', ')
      return [`missing: ${names}`, reasons, ...tools.map(({ tool }) => `  → ${tool.byHand}`)].join('\n')
    })
    .join('\n')
}
