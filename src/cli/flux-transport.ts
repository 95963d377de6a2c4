import { ApiRefusal, type Transport } from '../api/client.ts'
import type { FluxSend } from './fluxctl/api.ts'

/** Sends what fluxctl would send with the token, the URL and the errors of `capstan`: throws ApiRefusal and Unreachable. */
export function sendOver(transport: Transport, signal: AbortSignal): FluxSend {
  return async (method, path, body) => {
    const answer = await transport({
      method,
      path: `/api/flux${path}`,
      signal,
      ...(body === undefined ? {} : { body }),
    })
    const { status } = answer
    if (status >= 200 && status < 300) return answer.body
    const { error = `The server answered ${status}.`, help = '' } = (answer.body ?? {}) as {
      error?: string
      help?: string
    }
    const unblock = help.replace(error, '').trim()
    const problem = { type: 'about:blank', title: '', status, detail: error, reason: 'Unknown' }
    throw new ApiRefusal({ ...problem, ...(unblock ? { unblock } : {}) })
  }
}
