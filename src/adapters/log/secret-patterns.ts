/** What stands in place of a secret. */
export const mask = '*****'

/** Of a URL: the password; of http also a name alone, which is how tokens are given. */
const userInfo = /(https?)?:\/\/([^\s/?#"'<>\\`]+)@/gi

/** Texts that are secret whatever their value. Each takes linear time: what is read may come from anybody. */
const patterns: readonly (readonly [RegExp, string])[] = [
  // the scheme is kept, for people who look why they were refused
  [
    /(authorization[\\"']{0,4}\s{0,4}[:=]\s{0,4}[\\"']{0,4}(?:[a-z][a-z-]{0,30}\s{1,4}(?:token=)?)?)[^\s\\"',;]+/gi,
    `$1${mask}`,
  ],
  [/(bearer\s{1,4})[\w.~+/-]{20,}=*/gi, `$1${mask}`],
  [/((?:token|password|passwd|api[_-]?key|client[_-]secret|signature)=[\\"']{0,4})[^\s\\"'&,;]+/gi, `$1${mask}`],
  [/(-token[\\"']{0,4}:\s{0,4}[\\"']{0,4})[^\s\\"',;]+/gi, `$1${mask}`],
  // also one that was cut off
  [/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[^]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----|$)/g, mask],
  [/(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/g, mask],
  [/(?<![\w-])(?:gh[oprsu]_|github_pat_|glpat-)[\w-]{16,}/g, mask],
]

/** The text without what looks like a password, a token or a private key, whoever they belong to. */
export function maskPatterns(text: string): string {
  let clean = text.replace(userInfo, maskUserInfo)
  for (const [pattern, instead] of patterns) clean = clean.replace(pattern, instead)
  return clean
}

function maskUserInfo(found: string, scheme: string | undefined, user: string): string {
  const colon = user.indexOf(':')
  if (colon >= 0) return `${scheme ?? ''}://${user.slice(0, colon)}:${mask}@`
  return scheme ? `${scheme}://${mask}@` : found
}
