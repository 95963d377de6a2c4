/** Turns pino's JSON into logfmt with the ancestors' first keys (`ts caller component`, ruling 19). */
export function createLogfmt(): (json: string) => string {
  return (json) => {
    const { time, level, msg, component, ...rest } = JSON.parse(json) as Record<string, unknown>
    const fields = { ts: time, level, ...(component ? { component } : {}), ...rest, msg }
    return Object.entries(fields)
      .map(([key, value]) => `${key}=${quote(value)}`)
      .join(' ')
  }
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null')
  return /[\s"=\\]|^$/.test(text) ? JSON.stringify(text) : text
}
