/** One request to a URL that a user gave. */
export type EgressRequest = {
  url: string
  /** Default GET. A redirect of a POST is an error: nobody knows whether the other side wants the body too. */
  method?: 'GET' | 'POST'
  /** With POST only. */
  body?: string | Uint8Array
  headers?: Readonly<Record<string, string>>
  /** Bodies beyond this many bytes are refused. */
  maxBytes: number
  timeoutMs: number
  signal?: AbortSignal
}
export type EgressResponse = { status: number; headers: Readonly<Record<string, string>>; body: Uint8Array }

/**
 * The one client for URLs that users give (adapters/egress makes it): http and https only, at most 3 redirects, credentials never
 * follow to another host, link-local addresses always refused. Rejects with AppError-free plain Error when not reached.
 */
export type Egress = (request: EgressRequest) => Promise<EgressResponse>
