import type { Redactor } from '../../lib/redactor.ts'
import { viewsOf } from './decoded-views.ts'
import { secretForms } from './secret-forms.ts'
import { createSecretIndex, type Span } from './secret-index.ts'
import { mask, maskPatterns } from './secret-patterns.ts'

/** By value, in every form that a secret usually takes on its way out, then by what secrets look like (hazard K1). */
export function createRedactor(): Redactor {
  const owners = new Map<string, number>()
  const index = createSecretIndex()

  // jobs register the same secrets at each run: only the first and the last owner cost anything
  function change(secret: string, by: 1 | -1): void {
    const before = owners.get(secret) ?? 0
    if (before + by > 0) owners.set(secret, before + by)
    else owners.delete(secret)
    if (before === 0) for (const form of secretForms(secret)) index.add(form)
    if (before + by === 0) for (const form of secretForms(secret)) index.remove(form)
  }

  return {
    register(secrets) {
      const known = [...new Set(secrets)]
      for (const secret of known) change(secret, 1)
      return () => {
        for (const secret of known.splice(0)) change(secret, -1)
      }
    },
    redact(text) {
      if (index.isEmpty()) return maskPatterns(text)
      const spans = viewsOf(text).flatMap((view) =>
        index.find(view.text).map(({ from, to }) => ({ from: view.origin(from), to: view.origin(to) })),
      )
      return maskPatterns(maskSpans(text, spans))
    },
  }
}

/** Secrets that overlap go as one: what is left of the second would show part of it. */
function maskSpans(text: string, spans: readonly Span[]): string {
  const parts: string[] = []
  let done = -1
  for (const { from, to } of spans.toSorted((a, b) => a.from - b.from)) {
    if (from > done) parts.push(text.slice(Math.max(done, 0), from), mask)
    done = Math.max(done, to)
  }
  parts.push(text.slice(Math.max(done, 0)))
  return parts.join('')
}
