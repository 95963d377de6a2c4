/**
 * Makes the test of a glob pattern as flux has it: `*` is any text, also with `/` or empty; everything else is itself, case and all
 * (flux-v1 §§14–15). Time grows with pattern and text, never with their combinations (hazard L11).
 */
export function makeGlob(pattern: string): (text: string) => boolean {
  const parts = pattern.split('*')
  const first = parts[0] ?? ''
  const last = parts.at(-1) ?? ''
  if (parts.length === 1) return (text) => text === pattern
  const middle = parts.slice(1, -1)
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
    const end = text.length - last.length
    let at = first.length
    for (const part of middle) {
      const found = text.indexOf(part, at)
      if (found < 0 || found + part.length > end) return false
      at = found + part.length
    }
    return true
  }
}

/** Whether any of the patterns fits; none fits nothing. */
export function makeGlobs(patterns: readonly string[]): (text: string) => boolean {
  const globs = patterns.map(makeGlob)
  return (text) => globs.some((matches) => matches(text))
}
