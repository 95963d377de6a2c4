/** When an image was made, as it says itself, in milliseconds since 1970. */
export type ImageTimes = {
  /** From its configuration; absent when that has no time. */
  created?: number
  /** From its labels, `org.opencontainers.image.created` before `org.label-schema.build-date`; absent without a readable one. */
  labelled?: number
}

type Fields = Record<string, unknown>

const timeLabels = ['org.opencontainers.image.created', 'org.label-schema.build-date'] as const

/** The times in the configuration of an image. BuildKit writes no `container_config`, so `config` goes first (flux-v1 §14). */
export function timesOfConfig(config: Fields | undefined): ImageTimes {
  const labels = [config?.config, config?.container_config].map((part) => (isFields(part) ? part.Labels : undefined))
  const texts = timeLabels.flatMap((name) => labels.filter(isFields).map((all) => all[name]))
  const labelled = texts.map(parseTime).find((time) => time !== undefined)
  const created = parseTime(config?.created)
  return { ...(created === undefined ? {} : { created }), ...(labelled === undefined ? {} : { labelled }) }
}

/** The times in a manifest of Docker's first schema: its configuration is a text in the newest entry of the history. */
export function timesOfSchema1({ history }: Fields): ImageTimes {
  const newest: unknown = Array.isArray(history) ? history[0] : undefined
  const text = isFields(newest) ? newest.v1Compatibility : undefined
  return typeof text === 'string' ? timesOfConfig(parseFields(text)) : {}
}

/** Reads JSON; undefined for what is no object. */
export function parseFields(text: string): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    return isFields(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The year 1 stands for "no time" where Go wrote it; 1970 is what reproducible builds say and counts. */
function parseTime(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d[Tt ]/.test(value)) return undefined
  const time = Date.parse(value)
  return Number.isNaN(time) || time < 0 ? undefined : time
}
