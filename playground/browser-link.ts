import type { PlaygroundFile } from './playground-file.ts'

/** A link to the page that lets one browser in; the bare address where Capstan does not give one, or when `stop` says so. */
export async function browserLink(
  { apiUrl, token }: Pick<PlaygroundFile, 'apiUrl' | 'token'>,
  stop: AbortSignal,
): Promise<string> {
  try {
    const headers = { authorization: `Bearer ${token}` }
    const signal = AbortSignal.any([stop, AbortSignal.timeout(5000)])
    const answer = await fetch(`${apiUrl}/api/v1/browser-links`, { method: 'POST', headers, signal })
    const { path } = (await answer.json()) as { path?: unknown }
    return answer.ok && typeof path === 'string' ? `${apiUrl}${path}` : apiUrl
  } catch {
    return apiUrl
  }
}
