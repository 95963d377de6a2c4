/**
 * Takes known secrets out of every text that leaves the process: logs, conditions, events, messages, the API (law 10). By value and
 * not by field name: each registered secret as it is, in hexadecimal, in base64 wherever it stands in a longer text, and in the
 * escapes of URLs and JSON. What looks like a password in a URL, a token or a private key goes too, registered or not.
 */
export type Redactor = {
  /**
   * Makes these values known; the answer forgets them again. Blanks around a value do not count, and what is shorter than six
   * characters then is not looked for.
   */
  register: (secrets: Iterable<string>) => () => void
  /** The same text with `*****` in place of each secret. Takes time in proportion to the text; never throws. */
  redact: (text: string) => string
}
