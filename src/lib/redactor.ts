/**
 * Takes known secrets out of every text that leaves the process: logs, conditions, events, messages, the API (law 10). By value and
 * not by field name: raw, base64, URL-encoded and JSON-escaped forms of each registered secret of six characters or more.
 */
export type Redactor = {
  /** Makes these values known; the answer forgets them again. Shorter ones than six characters are not registered. */
  register: (secrets: Iterable<string>) => () => void
  redact: (text: string) => string
}
