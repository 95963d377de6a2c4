import { RE2JS } from 're2js'

/** What a regular expression finds in a text: its first group where it has one, else the whole match; undefined where it finds nothing. */
export type Finder = (text: string) => string | undefined

/**
 * Reads a regular expression as Go does (RE2): unanchored, no look-around, no back-references, and linear in time for every text
 * (hazard L11). Undefined for what is none.
 */
export function makeFinder(pattern: string): Finder | undefined {
  const compiled = compile(pattern)
  if (!compiled) return undefined
  const group = compiled.groupCount() > 0 ? 1 : 0
  return (text) => {
    const matcher = compiled.matcher(text)
    if (!matcher.find()) return undefined
    return matcher.group(group) ?? ''
  }
}

function compile(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern)
  } catch {
    return undefined
  }
}
