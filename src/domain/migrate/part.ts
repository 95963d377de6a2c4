import type { Json } from '../manifest/object.ts'

/** What became of one thing that the ancestor had. `do`: nothing is lost, and somebody must do or know something. */
export type Became = 'same' | 'differs' | 'replaced' | 'dropped' | 'do' | 'refused'

/** One line for people. `accept`: the word with which a refusal may be waved through; only of `refused`. */
export type Note = { subject: string; became: Became; text: string; accept?: string }

/** A Secret or ConfigMap that is copied, so that it is ours and stays when the ancestor is uninstalled. */
export type Copy = { kind: 'Secret' | 'ConfigMap'; from: { namespace: string; name: string }; name: string }

/** What one thing comes to: values by dotted path, flags that no value stands for, entries of a Secret of ours, copies, lines. */
export type Part = {
  values?: readonly (readonly [path: string, value: Json])[]
  args?: readonly string[]
  /** Secrets that were written into the Deployment itself: entry and text, by the name of the Secret that will hold them. */
  secrets?: Readonly<Record<string, Readonly<Record<string, string>>>>
  copies?: readonly Copy[]
  notes?: readonly Note[]
}

/** Nothing is changed and nothing is to be said. */
export const nothing: Part = {}

/** A refusal alone. */
export function refusal(subject: string, accept: string, text: string): Part {
  return { notes: [{ subject, became: 'refused', text, accept }] }
}

/** A line alone, with values if there are some. */
export function told(subject: string, became: Exclude<Became, 'refused'>, text: string, values?: Part['values']): Part {
  return { notes: [{ subject, became, text }], ...(values ? { values } : {}) }
}

/** All in one, in order. */
export function joined(parts: readonly Part[]): Required<Part> {
  const secrets: Record<string, Record<string, string>> = {}
  for (const part of parts)
    for (const [name, entries] of Object.entries(part.secrets ?? {})) secrets[name] = { ...secrets[name], ...entries }
  const copies = new Map(
    parts.flatMap(({ copies: list = [] }) => list.map((copy) => [`${copy.kind}/${copy.name}`, copy])),
  )
  return {
    values: parts.flatMap(({ values = [] }) => values),
    args: [...new Set(parts.flatMap(({ args = [] }) => args))],
    secrets,
    copies: [...copies.values()],
    notes: parts.flatMap(({ notes = [] }) => notes),
  }
}
