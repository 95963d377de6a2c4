/**
 * The values that stand in a decrypted text and not in the encrypted one, for the redactor. Told line by line and without a parser,
 * which somebody else's file could hurt: sops writes one value a line, longer texts as blocks. Of a value in base64, as Secrets have
 * them, the decoded text too.
 */
export function openedValues(encrypted: string, decrypted: string): string[] {
  const known = new Set(valuesOf(encrypted))
  const opened = valuesOf(decrypted).filter((value) => value !== '' && !known.has(value))
  return [...new Set(opened.flatMap((value) => [value, ...decodedLines(value)]))]
}

function valuesOf(text: string): string[] {
  const values: string[] = []
  let blockIndent = Infinity
  for (const line of text.split('\n')) {
    const trimmed = line.trim()
    if (trimmed === '') continue
    const [marks = ''] = /^ *(?:[-?] +)*/.exec(line) ?? []
    const indent = line.length - line.trimStart().length
    if (indent > blockIndent) {
      values.push(trimmed)
      continue
    }
    const value = behindKey(line.slice(marks.length).trim())
    blockIndent = isBlock(value) ? marks.length : Infinity
    if (!isBlock(value)) values.push(unquoted(value))
  }
  return values
}

function isBlock(value: string): boolean {
  return /^[|>][-+\d]{0,2}$/.test(value)
}

/** What stands behind `key: `, or all of it where there is no key; a comment without its sign. */
function behindKey(text: string): string {
  if (text.startsWith('#')) return text.slice(1).trim()
  const quotedKey = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')/.exec(text)?.[0] ?? ''
  const rest = text.slice(quotedKey.length)
  if (quotedKey && !rest.startsWith(':')) return text
  const colon = /:(?: +|$)/.exec(rest)
  return colon ? rest.slice(colon.index + colon[0].length) : text
}

function unquoted(value: string): string {
  if (value.length > 1 && value.startsWith("'") && value.endsWith("'")) return value.slice(1, -1).replaceAll("''", "'")
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value
  try {
    return String(JSON.parse(value))
  } catch {
    // an escape that YAML has and JSON has not
    return value.slice(1, -1)
  }
}

function decodedLines(value: string): string[] {
  if (value.length % 4 !== 0 || !/^[A-Za-z0-9+/]{6,}={0,2}$/.test(value)) return []
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'base64'))
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
  } catch {
    return []
  }
}
