/** Shorter secrets are not looked for: they would take ordinary words out of every text (hazard K1). */
export const shortestSecret = 6

/** Words of a text with several lines that are looked for by themselves, too; shorter ones may be ordinary words. */
const longWord = 20

/**
 * What is looked for in place of one secret: itself, its bytes in hexadecimal, and what base64 makes of it wherever it stands in a
 * longer text. Escapes of JSON and URLs are no forms: they are undone where a text is looked at. Empty for a secret that is too short.
 */
export function secretForms(secret: string): string[] {
  const bare = secret.trim()
  if (bare.length < shortestSecret) return []
  const texts = [...new Set([secret, bare, decoded(bare), ...wordsOf(bare)])]
  return [...new Set(texts.flatMap((text) => [text, ...hexForms(text), ...base64Forms(text)]))]
}

/** A password that was taken out of a URL as it stood there. */
function decoded(text: string): string {
  try {
    const plain = decodeURIComponent(text)
    return plain.length < shortestSecret ? text : plain
  } catch {
    return text
  }
}

/** Tools print a key or a file line by line, indented; so its long words must be found apart. */
function wordsOf(text: string): string[] {
  if (!text.includes('\n')) return []
  return text.split(/[\s"',]+/).filter((word) => word.length >= longWord && !word.includes('://'))
}

/** As templates and Go programs print bytes. */
function hexForms(text: string): string[] {
  const hex = Buffer.from(text).toString('hex')
  return [hex, hex.toUpperCase()]
}

/** For each of the three places where a byte can stand in base64: the characters that depend on nothing but the secret. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text)
  const cores = [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64')
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6))
  })
  return [bytes.toString('base64'), ...cores].flatMap((form) => [form, toUrlAlphabet(form)])
}

function toUrlAlphabet(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_')
}
