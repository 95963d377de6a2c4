import type { Redactor } from '../../lib/redactor.ts'

const shortest = 6
const mask = '*****'

/** Texts that are secret whatever their value. */
const patterns: readonly [RegExp, string][] = [
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:)[^\s/@]+@/gi, `$1${mask}@`],
  [/(authorization:?\s*(?:bearer|basic|scope-probe token=)\s*)[^\s"',]+/gi, `$1${mask}`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, mask],
]

/** By value, in every form that a secret usually takes on its way out (hazard K1). */
export function createRedactor(): Redactor {
  const known = new Map<string, number>()
  let matcher: RegExp | undefined

  function change(forms: readonly string[], by: 1 | -1): void {
    for (const form of forms) {
      const count = (known.get(form) ?? 0) + by
      if (count > 0) known.set(form, count)
      else known.delete(form)
    }
    matcher = undefined
  }

  function build(): RegExp | undefined {
    if (known.size === 0) return undefined
    const forms = [...known.keys()].sort((a, b) => b.length - a.length)
    return new RegExp(forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g')
  }

  return {
    register(secrets) {
      const forms = [...secrets].filter((secret) => secret.length >= shortest).flatMap(formsOf)
      change(forms, 1)
      let done = false
      return () => {
        if (!done) change(forms, -1)
        done = true
      }
    },
    redact(text) {
      matcher ??= build()
      let clean = matcher ? text.replace(matcher, mask) : text
      for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement)
      return clean
    },
  }
}

function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64')
  const forms = [
    secret,
    base64,
    base64.replace(/=+$/, ''),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ]
  return [...new Set(forms)]
}
