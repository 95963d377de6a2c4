import { authorized, type createWorkbench } from './workbench.ts'

/** Headers of fluxctl, with a token. */
export const json = { ...authorized, accept: 'application/json' }
/** A workload, who asks, and what is asked for. */
export const web = 'shop:deployment/web'
export const cause = { Message: '', User: 'Ada <ada@example.com>' }
export const image = { ServiceSpecs: [web], ImageSpec: 'app/web:2', Kind: 'execute', Excludes: null, Force: false }

type Sent = { method?: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE'; headers?: Record<string, string>; body?: string }
type App = Pick<ReturnType<typeof createWorkbench>, 'app'>

/** A request below `/api/flux`; a body goes without a content type, as fluxctl sends it. */
export async function send({ app }: App, path: string, { method = 'GET', headers = json, body }: Sent = {}) {
  return await app.inject({
    method,
    url: `/api/flux${path}`,
    headers,
    ...(body === undefined ? {} : { payload: body }),
  })
}

/** The same with a value. */
export async function post(app: App, path: string, value: unknown, headers: Record<string, string> = json) {
  return await send(app, path, { method: 'POST', headers, body: JSON.stringify(value) })
}
