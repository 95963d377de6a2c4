/** JSON text with integers beyond 2^53 exact: bigint is written as its digits. Throws TypeError for cycles. */
export function exactJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // Only bigints make plain JSON throw here; the slower way is taken for those few values alone.
    return JSON.stringify(value, (_key, field: unknown) =>
      typeof field === 'bigint' ? newerJson.rawJSON(String(field)) : field,
    )
  }
}

/** The inverse of {@link exactJson}: integers that a double cannot hold come as bigint. Throws SyntaxError for what is no JSON. */
export function parseExactJson(text: string): unknown {
  // Sixteen digits in a row are the least that such an integer has; most texts have none and take the fast way.
  return manyDigits.test(text) ? newerJson.parse(text, exactInteger) : JSON.parse(text)
}

const manyDigits = /\d{16}/

function exactInteger(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !source || !/^-?\d+$/.test(source)) return value
  return BigInt(source)
}

/** Numbers as they are written: in Node, not in the type library yet. */
const newerJson = JSON as unknown as {
  rawJSON(text: string): unknown
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
}
