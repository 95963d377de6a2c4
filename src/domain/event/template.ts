import type { Event } from './event.ts'

const fields: Readonly<Record<string, (event: Event) => string>> = {
  message: ({ message }) => message,
  type: ({ type }) => type,
  severity: ({ severity }) => severity,
  reason: ({ reason }) => reason,
  commit: ({ commit }) => commit,
  source: ({ source }) => `${source.namespace}/${source.name}`,
  namespace: ({ source }) => source.namespace,
  name: ({ source }) => source.name,
  workloads: ({ serviceIDs }) => serviceIDs.join(', '),
  time: ({ endedAt }) => endedAt,
}

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g

/** A template with what the event says in the place of each `{{word}}`. */
export function fillTemplate(template: string, event: Event): string {
  return template.replaceAll(placeholder, (whole, word: string) =>
    Object.hasOwn(fields, word) ? (fields[word]?.(event) ?? whole) : whole,
  )
}

/** What is wrong with a template; undefined when nothing is. */
export function templateProblem(template: string): string | undefined {
  const unknown = [...template.matchAll(placeholder)]
    .map(([, word = '']) => word)
    .find((word) => !Object.hasOwn(fields, word))
  return unknown === undefined ? undefined : `{{${unknown}}} is not one of ${Object.keys(fields).join(', ')}`
}
