/** How a server is trusted, and how we prove who we are. PEM texts. */
export type TlsSettings = {
  /** Trusted for this server in place of the usual certificates. */
  ca?: string
  /** Our own certificate, with its private key. */
  cert?: string
  key?: string
  /** Its certificate is not checked. */
  insecure?: boolean
}

/** One request to a URL that a user gave. */
export type EgressRequest = {
  url: string
  /** Default GET. A redirect of a POST is an error: nobody knows whether the other side wants the body too. */
  method?: 'GET' | 'POST'
  /** With POST only. */
  body?: string | Uint8Array
  headers?: Readonly<Record<string, string>>
  /** For the origin of the URL alone. */
  tls?: TlsSettings
  /** Bodies beyond this many bytes are refused. */
  maxBytes: number
  timeoutMs: number
  signal?: AbortSignal
}
export type EgressResponse = { status: number; headers: Readonly<Record<string, string>>; body: Uint8Array }

/**
 * The one client for URLs that users give (adapters/egress makes it): http and https only, at most 3 redirects, credentials and
 * `tls` never follow to another host, link-local addresses always refused. Rejects with AppError-free plain Error when not reached.
 */
export type Egress = (request: EgressRequest) => Promise<EgressResponse>
