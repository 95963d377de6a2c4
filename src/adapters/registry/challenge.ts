/** What a registry asks for with 401. */
export type Challenge = { scheme: 'basic' } | { scheme: 'bearer'; realm: string; service: string | undefined }

const longestHeader = 4096

/** Reads `WWW-Authenticate`; of several challenges bearer is preferred. Undefined for none that we know. */
export function parseChallenge(header: string | string[] | undefined): Challenge | undefined {
  const texts = (Array.isArray(header) ? header : [header ?? '']).map((text) => text.slice(0, longestHeader))
  for (const text of texts) {
    const start = text.search(/\bbearer\s/i)
    if (start < 0) continue
    const fields = readFields(text.slice(start + 'bearer'.length))
    const realm = fields.get('realm')
    if (realm) return { scheme: 'bearer', realm, service: fields.get('service') }
  }
  return texts.some((text) => /\bbasic\b/i.test(text)) ? { scheme: 'basic' } : undefined
}

function readFields(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const [, name = '', quoted, bare = ''] of text.matchAll(/([a-z_]+)=(?:"([^"]*)"|([^\s,"]+))/gi)) {
    if (!fields.has(name.toLowerCase())) fields.set(name.toLowerCase(), quoted ?? bare)
  }
  return fields
}
