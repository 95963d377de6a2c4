// The playground's git server as a process of its own: smart HTTP with pushes; after each push a signed webhook to Capstan.
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startGitServer } from '../stack/git-server.ts'

const { values } = parseArgs({
  options: {
    root: { type: 'string' },
    port: { type: 'string' },
    repository: { type: 'string' },
    'webhook-url': { type: 'string' },
    'webhook-secret-file': { type: 'string' },
  },
})
const { root = '.', port, repository, 'webhook-url': url, 'webhook-secret-file': secretFile } = values

await startGitServer({
  root,
  port: Number(port),
  async onPush(pushed, updates) {
    console.log(`push to ${pushed}: ${updates.map(({ ref, after }) => `${ref} ${after ?? 'removed'}`).join(', ')}`)
    if (pushed === repository && url && secretFile) {
      // by its URL, so that every source that follows it is fetched
      const body = { repository: `http://127.0.0.1:${port}/${pushed}`, updates }
      await notify(url, readFileSync(secretFile, 'utf8').trim(), JSON.stringify(body))
    }
  },
})
console.log(`git server on http://127.0.0.1:${port}/ serves ${root}`)

/** Capstan may just be starting again: a few tries within 5 s. After that its poll finds the push. */
async function notify(to: string, secret: string, body: string): Promise<void> {
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  const headers = { 'content-type': 'application/json', 'x-capstan-signature-256': signature }
  for (const delayMs of [0, 300, 700, 1500, 2500]) {
    await sleep(delayMs)
    try {
      const { status } = await fetch(to, { method: 'POST', body, headers, signal: AbortSignal.timeout(2_000) })
      console.log(`webhook ${to}: ${status}`)
      if (status < 500) return
    } catch (error) {
      console.log(`webhook ${to}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
