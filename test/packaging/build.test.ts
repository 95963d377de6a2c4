import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createParser } from '../../src/adapters/parser/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'
import { stack } from '../stack/stack.ts'
import { copiesOf, readStages, root } from './dockerfile.ts'

const run = promisify(execFile)
const namespace = `capstan-build-${randomBytes(4).toString('hex')}`
let folder: string
let program: string

/** The image's folder, as the last stage of the Dockerfile fills it: the bundle and what lies beside it, no packages. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-build-'))
  const image = readStages().at(-1) ?? expect.fail('no stage')
  for (const { from, sources, to } of copiesOf(image)) {
    for (const source of sources) {
      if (from === '') await copy(source, join(folder, to))
      else await run(process.execPath, [join(root, 'bin/build.ts'), join(folder, to)])
    }
  }
  program = join(folder, 'bin/capstan.mjs')
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  const { kubectl, kubeconfig } = stack()
  const about = ['--kubeconfig', kubeconfig, 'delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']
  await run(kubectl, about)
})

/** As COPY does: of a folder its content, a file itself. */
async function copy(source: string, to: string): Promise<void> {
  const from = join(root, source)
  await cp(from, (await stat(from)).isDirectory() ? to : join(to, basename(source)), { recursive: true })
}

/** The status of an answer; 0 while nobody listens. */
async function statusOf(url: string): Promise<number> {
  return await fetch(url).then(
    ({ status }) => status,
    () => 0,
  )
}

const quiet: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => quiet }

/** A bundled file, and all that it and what it imports import. */
async function chunksOf(file: string, seen = new Set<string>()): Promise<Set<string>> {
  if (seen.has(file)) return seen
  seen.add(file)
  const code = await readFile(file, 'utf8')
  for (const [, path = ''] of code.matchAll(/^(?:import|\}|export) [^"\n]*"(\.\/[^"]+)"/gm)) {
    await chunksOf(join(dirname(file), path), seen)
  }
  for (const [, path = ''] of code.matchAll(/^import "(\.\/[^"]+)"/gm)) await chunksOf(join(dirname(file), path), seen)
  return seen
}

describe('the bundle, without any package beside it', () => {
  it('explains itself', async () => {
    const { stdout } = await run(process.execPath, [program, '--help'])
    expect(stdout).toContain('Usage: capstan')
  })

  it('parses manifests in a process that loads the parser and little else', async () => {
    const child = join(folder, 'dist/parse-child.js')
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n'
    const parse = createParser({
      run: createRun({ redact: (printed) => printed }),
      entry: { command: process.execPath, args: [child] },
      log: quiet,
    })
    const [parsed] = await parse(
      [{ path: 'a.yaml', bytes: new TextEncoder().encode(text) }],
      AbortSignal.timeout(30_000),
    )
    expect(parsed?.objects).toMatchObject([{ head: { kind: 'ConfigMap', metadata: { name: 'a' } }, line: 1 }])
    const imported = [...(await chunksOf(child))]
    const sizes = await Promise.all(imported.map(async (file) => (await stat(file)).size))
    const total = sizes.reduce((sum, size) => sum + size, 0)
    expect(total).toBeGreaterThan(150_000)
    expect(total).toBeLessThan(500_000)
  })

  it.each([
    ['capstan', ['save']],
    ['fluxctl', ['save']],
  ])('writes manifests: %s save', async (name, args) => {
    const text = 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {replicas: 2}\n'
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(Buffer.from(text).toString('base64')))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const called = join(folder, name)
    await symlink(program, called)
    const { port } = server.address() as AddressInfo
    const url = `http://127.0.0.1:${port}${name === 'fluxctl' ? '/api/flux' : ''}`
    try {
      const { stdout } = await run(called, args, {
        env: { FLUX_URL: url, PATH: dirname(process.execPath), HOME: folder },
      })
      expect(stdout).toContain('kind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  replicas: 2\n')
    } finally {
      server.close()
    }
  })

  it('gets ready on the real cluster with a Redis of its own, shows the queue board, and ends with 0', async () => {
    const { kubeconfig, binDir } = stack()
    const address = `http://127.0.0.1:${await freePort()}`
    const child = spawn(
      process.execPath,
      [
        program,
        'run',
        `--listen=${address.slice('http://'.length)}`,
        `--kubeconfig=${kubeconfig}`,
        `--namespace=${namespace}`,
        `--state-dir=${join(folder, 'state')}`,
        '--enable=sync',
        // the cluster may be shared: Sources of others are left alone
        `--source-namespaces=${namespace}`,
        '--install-crds=false',
      ],
      { env: { PATH: `${binDir}:${process.env.PATH}` }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let log = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += String(chunk)))
    const ended = once(child, 'exit')
    try {
      await until('ready', async () => (await statusOf(`${address}/readyz`)) === 200, {
        giveUp: () => (child.exitCode === null ? undefined : `it ended with ${child.exitCode}: ${log}`),
      })
      const authorization = `Bearer ${(await readFile(join(folder, 'state', 'token'), 'utf8')).trim()}`
      const front = await fetch(address, { headers: { authorization } })
      expect([front.status, await front.text()]).toEqual([200, expect.stringContaining('<h1>Capstan</h1>')])
      for (const file of ['page.css', 'page.mjs', 'stream.mjs'])
        expect((await fetch(`${address}/${file}`, { headers: { authorization } })).status).toBe(200)
      const page = await fetch(`${address}/queues`, { headers: { authorization } })
      const html = await page.text()
      expect(page.status).toBe(200)
      const [, script = ''] = /src="([^"]+\.js)"/.exec(html) ?? []
      for (const path of [script, 'api/queues']) {
        const { href } = new URL(path, `${address}/queues/`)
        expect((await fetch(href, { headers: { authorization } })).status).toBe(200)
      }
      expect(await statusOf(`${address}/queues/api/queues`)).toBe(401)
      const saved = await run(process.execPath, [program, 'save', '--url', address], {
        env: { CAPSTAN_TOKEN_FILE: join(folder, 'state', 'token') },
        maxBuffer: 2 ** 26,
      })
      expect(saved.stderr).toBe('')
    } finally {
      child.kill('SIGTERM')
    }
    const [code] = (await ended) as [number | null]
    expect(code, log).toBe(0)
    // a line of the log names the source that it comes from, not the bundle
    const [, file = '', line = ''] = /caller=(\S+):(\d+) .*msg="capstan is up"/.exec(log) ?? []
    expect(file, log).toBe('main/run.ts')
    const source = await readFile(join(root, 'src', file), 'utf8')
    expect(source.split('\n')[Number(line) - 1]).toContain('capstan is up')
  })
})
