import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { stack } from '../stack/stack.ts'

const password = 'c4n4ry/"p+w&\\xyz'

/** A git host that tells everybody what it was sent, in every way that git and we might print. */
function createGossip(): Server {
  return createServer((request, response) => {
    const sent = request.headers.authorization ?? ''
    if (!sent) return response.writeHead(401, { 'www-authenticate': 'Basic realm="a"' }).end()
    const text = [sent, password, encodeURIComponent(password), JSON.stringify({ password }), `bot:${password}`].join(
      ' ',
    )
    // no status that git's own last line explains better
    const gossip = `\u001b[31mAuthentication failed for ${text}`
    return response.writeHead(418, { 'content-type': 'text/plain' }).end(`${gossip}\n`)
  })
}

/** Every spelling that must not be seen. */
const spellings = [
  password,
  JSON.stringify(password).slice(1, -1),
  encodeURIComponent(password),
  Buffer.from(password).toString('base64'),
  Buffer.from(`bot:${password}`).toString('base64'),
]

const rows = [
  ['fmt', 'file'],
  ['json', 'file'],
  ['fmt', 'URL'],
] as const

describe.each(rows)('what capstan prints as %s, with the password in a %s', (format, where) => {
  let folder: string
  let gossip: Server
  let capstan: Capstan

  beforeAll(async () => {
    gossip = createGossip()
    await new Promise<void>((resolve) => gossip.listen(0, '127.0.0.1', resolve))
    const { port } = gossip.address() as AddressInfo
    folder = mkdtempSync(join(tmpdir(), 'capstan-canary-'))
    writeFileSync(join(folder, 'token'), `${password}\n`, { mode: 0o600 })
    const host = `127.0.0.1:${port}/a.git`
    const byFile = [
      `--git-url=http://${host}`,
      '--git-https-username=bot',
      `--git-https-token-file=${join(folder, 'token')}`,
    ]
    const byUrl = [`--git-url=http://bot:${encodeURIComponent(password)}@${host}`]
    capstan = await startCapstan([
      ...(where === 'file' ? byFile : byUrl),
      '--git-poll-interval=1s',
      '--enable=sync',
      '--install-crds=false',
      `--log-format=${format}`,
      '--log-level=debug',
    ])
  })

  afterAll(async () => {
    await capstan.stop()
    gossip.close()
    const { kubectl, kubeconfig } = stack()
    const about = ['--kubeconfig', kubeconfig, 'delete', 'namespace', capstan.namespace, '--wait=false']
    await promisify(execFile)(kubectl, about)
    rmSync(folder, { recursive: true, force: true })
  })

  it('has no secret in it, nor has what the API answers, when a git host repeats the password', async () => {
    const status = await until('the failure is known', async () => {
      const answer = JSON.stringify(await capstan.api('/api/v1/status'))
      return answer.includes('Git') ? answer : undefined
    })
    const metrics = await (await fetch(`${capstan.url}/metrics`)).text()
    const log = await until('the failure is logged', async () => {
      const text = readFileSync(capstan.logFile, 'utf8')
      const isWhole = /GitAuthFailed|GitUnreachable/.test(text) && text.includes('Authentication failed for Basic ')
      return isWhole ? text : undefined
    })
    for (const spelling of spellings) for (const text of [status, log, metrics]) expect(text).not.toContain(spelling)
  })

  it('is one event a line, with the keys that the ancestors had', () => {
    const lines = readFileSync(capstan.logFile, 'utf8').split('\n').slice(0, -1)
    expect(lines.length).toBeGreaterThan(3)
    for (const line of lines) {
      expect(Buffer.byteLength(line)).toBeLessThan(16_384)
      expect(line).not.toMatch(/\p{Cc}/u)
      if (format === 'json') expect(Object.keys(JSON.parse(line) as object).slice(0, 2)).toEqual(['ts', 'caller'])
      else expect(line).toMatch(/^ts=\S+Z caller=\S+\/\S+:\d+ /)
    }
  })
})
