import { request } from 'node:https'

/** How to reach one kube-apiserver as administrator. */
export type ApiServerAccess = { url: string; ca: string; token: string }

/** One JSON request. Resolves with whatever status the server gives; rejects only when it cannot be reached. */
export async function callApiServer(
  access: ApiServerAccess,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: object,
): Promise<{ status: number; text: string }> {
  return await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${access.token}`, 'content-type': 'application/json' }
    const call = request(`${access.url}${path}`, { method, headers, ca: access.ca, timeout: 5_000 }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
      response.once('error', reject)
    })
    call.once('timeout', () => call.destroy(new Error(`no answer from ${access.url} within 5 s`)))
    call.once('error', reject)
    call.end(body && JSON.stringify(body))
  })
}
