import { RE2JS } from 're2js'

/** What a regular expression finds in a text: its first group where it has one, else the whole match; undefined where it finds nothing. */
export type Finder = (text: string) => string | undefined

/** Steps of a compiled expression; `^main-[0-9a-f]{7,40}$` has 82. Each is tried at each letter of a text, at worst. */
const longestProgram = 2_000

/**
 * Reads a regular expression as Go does (RE2): unanchored, no look-around, no back-references, and linear in time for every text
 * (hazard L11). Undefined for what is none, or whose counted repetitions (`(a?){50}(a?){50}…`) make too much of it.
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
    const compiled = RE2JS.compile(pattern)
    return compiled.programSize() <= longestProgram ? compiled : undefined
  } catch {
    return undefined
  }
}
