import type { FluxSend } from './api.ts'
import { Failure, FluxProblem } from './failure.ts'

/** Where fluxd's API is, and what opens it. */
export type Access = { url: string; token: string; fetch: typeof fetch; signal: AbortSignal }

const unauthorized = `The request failed authentication

This most likely means you have a missing or incorrect token. Please
make sure you supply a service token, either by setting the
environment variable FLUX_SERVICE_TOKEN, or using the argument --token
with fluxctl.

`

/**
 * Requests as fluxctl sends them: JSON without a content type, the token as `Scope-Probe`. Rejects with {@link FluxProblem} or
 * {@link Failure}.
 */
export function sendAsFluxctl(access: Access): FluxSend {
  return async (method, path, body) => await send(access, { method, path, body })
}

type Request = { method: 'GET' | 'POST'; path: string; body?: unknown }

async function send(access: Access, { method, path, body }: Request): Promise<unknown> {
  const { url, token, signal } = access
  const at = `${url.replace(/\/+$/, '')}${path}`
  let response: Response
  try {
    response = await access.fetch(at, {
      method,
      signal,
      headers: { accept: 'application/json', ...(token ? { authorization: `Scope-Probe token=${token}` } : {}) },
      // bytes: a text would get a content type
      ...(body === undefined ? {} : { body: new TextEncoder().encode(JSON.stringify(body)) }),
    })
  } catch (error) {
    signal.throwIfAborted()
    const verb = method === 'GET' ? 'Get' : 'Post'
    throw new Failure(`executing HTTP request: executing HTTP request: ${verb} "${at}": ${causeOf(error)}`)
  }
  const text = await response.text()
  if (response.ok) return text === '' ? undefined : parse(text)
  if (response.status === 401) throw new FluxProblem(unauthorized)
  throw problemOf(response, text)
}

function problemOf({ headers, status, statusText }: Response, text: string): Error {
  if (headers.get('content-type')?.startsWith('application/json')) {
    const { error, help = '' } = (parse(text) ?? {}) as { error?: string; help?: string }
    if (error) return new FluxProblem(help)
  }
  return new Failure(`executing HTTP request: ${status} ${statusText} ${text}`)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Failure('decoding response from server: it is not JSON')
  }
}

/** fetch says "fetch failed" and hides why. */
function causeOf(error: unknown): string {
  const { cause, message } = error as Error
  const { code, address, port, message: reason } = (cause ?? {}) as Record<string, string | number | undefined>
  if (code === 'ECONNREFUSED' && address) return `dial tcp ${address}:${port}: connect: connection refused`
  return String(reason ?? message)
}
