/** What of dependency-cruiser's report is read. */
export type WallsReport = {
  modules: readonly { source: string }[]
  summary: {
    violations: readonly { from: string; to: string; rule: { name: string; severity: string } }[]
    ruleSetUsed?: { forbidden?: readonly { name?: string; comment?: string }[] }
  }
}

/** Undefined when every wall stands. A run that looked at nothing is a failure: it says "no violations" too (W23). */
export function describeViolations({ modules, summary }: WallsReport): string | undefined {
  if (!modules.some(({ source }) => source.startsWith('src/'))) return 'no module of src/ was cruised'
  const { violations, ruleSetUsed } = summary
  const lines = violations.map(({ from, to, rule }) => {
    const why = ruleSetUsed?.forbidden?.find(({ name }) => name === rule.name)?.comment ?? ''
    return `${rule.severity} ${rule.name}: ${from} → ${to}\n  ${why}`
  })
  return lines.length > 0 ? lines.join('\n') : undefined
}
