const unsafe = /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu

/** JSON for scripts, with a line break at the end; what a terminal could act on is escaped, which is the same JSON. */
export function printJson(value: unknown): string {
  const text = JSON.stringify(value, null, 2)
  return `${escapeUnsafe(text)}\n`
}

/** The same on one line. */
export function printJsonLine(value: unknown): string {
  return `${escapeUnsafe(JSON.stringify(value))}\n`
}

/** What a terminal could act on, as JSON and YAML escape it between double quotes. */
export function escapeUnsafe(text: string): string {
  return text.replaceAll(unsafe, escape)
}

function escape(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')
}
