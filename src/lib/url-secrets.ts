/** What in a URL must not be shown: its password, and a user name that stands alone, which is how some forges take a token. */
export function urlSecrets(url: string): string[] {
  const [, user = '', password = ''] = /^[a-z][a-z0-9+.-]*:\/\/([^\s/:@]*)(?::([^\s/@]*))?@/i.exec(url) ?? []
  const secret = password || (/^https?:/i.test(url) ? user : '')
  return secret === '' ? [] : [...new Set([secret, decoded(secret)])]
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
