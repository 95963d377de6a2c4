import { Agent, request } from 'undici'
import { openRoutes } from '../dispatcher.ts'
import { networkWords } from '../failure.ts'

export type Asked = {
  url: string
  method?: 'GET' | 'PUT' | 'POST'
  headers?: Readonly<Record<string, string>>
  body?: string
  /** `local`: a server of this machine's own cloud, reached without a proxy and near enough to answer at once. */
  route?: 'local' | 'insecure'
}

/** One request to a server of a cloud. Redirects are answers. Rejects with an Error of a few words that hold no secret. */
export type AskCloud = ((asked: Asked, signal?: AbortSignal) => Promise<{ status: number; text: string }>) & {
  close(): Promise<void>
}

const maxBytes = 256 * 1024
const farMs = 15_000
/** Elsewhere than in that cloud nobody answers under its address, or nobody even refuses. */
const defaultNearMs = 2_000

export function createAskCloud(
  environment: Readonly<Record<string, string>>,
  nearMs: number = defaultNearMs,
): AskCloud {
  const open = (rejectUnauthorized: boolean) => openRoutes({ inFlight: 4, environment, rejectUnauthorized })
  const local = new Agent({ connect: { timeout: nearMs } })
  const [far, insecure] = [open(true), open(false)]

  async function ask({ url, method = 'GET', headers = {}, body, route }: Asked, signal?: AbortSignal) {
    const timeoutMs = route === 'local' ? nearMs : farMs
    const deadline = AbortSignal.timeout(timeoutMs)
    try {
      const response = await request(url, {
        dispatcher: route === 'local' ? local : (route === 'insecure' ? insecure : far).to(new URL(url)),
        method,
        headers: { 'user-agent': 'capstan', ...headers },
        body: body ?? null,
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      })
      const chunks: Uint8Array[] = []
      let size = 0
      for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
        size += chunk.length
        if (size > maxBytes) throw new Error(`${hostOf(url)} answered too much`)
        chunks.push(chunk)
      }
      return { status: response.statusCode, text: Buffer.concat(chunks).toString() }
    } catch (error) {
      if (signal?.aborted) throw signal.reason as Error
      if (deadline.aborted) throw new Error(`${hostOf(url)} did not answer within ${timeoutMs / 1000} s`)
      throw new Error(`${hostOf(url)}: ${networkWords(error)}`)
    }
  }

  return Object.assign(ask, {
    async close() {
      await Promise.all([local, far, insecure].map((one) => one.destroy()))
    },
  })
}

/** For messages: an address may hold more than may be told. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'an address that is none'
}
