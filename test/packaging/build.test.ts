import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'
import { stack } from '../stack/stack.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
const namespace = `capstan-build-${randomBytes(4).toString('hex')}`
let folder: string
let program: string

/** The image's folder: the bundle and what lies beside it, no packages. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-build-'))
  await run(process.execPath, [join(root, 'bin/build.ts'), join(folder, 'dist')])
  await cp(join(root, 'package.json'), join(folder, 'package.json'))
  await cp(join(root, 'charts/capstan/crds'), join(folder, 'charts/capstan/crds'), { recursive: true })
  await cp(join(root, 'bin/capstan.mjs'), join(folder, 'bin/capstan.mjs'))
  program = join(folder, 'bin/capstan.mjs')
}, 60_000)

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  const { kubectl, kubeconfig } = stack()
  const about = ['--kubeconfig', kubeconfig, 'delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']
  await run(kubectl, about)
})

/** The status of an answer; 0 while nobody listens. */
async function statusOf(url: string): Promise<number> {
  return await fetch(url).then(
    ({ status }) => status,
    () => 0,
  )
}

describe('the bundle, without any package beside it', () => {
  it('explains itself', async () => {
    const { stdout } = await run(process.execPath, [program, '--help'])
    expect(stdout).toContain('Usage: capstan')
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
        '--install-crds=false',
      ],
      { env: { PATH: `${binDir}:${process.env.PATH}` }, stdio: ['ignore', 'ignore', 'pipe'] },
    )
    let log = ''
    child.stderr.on('data', (chunk) => {
      log += String(chunk)
    })
    const ended = once(child, 'exit')
    try {
      await until('ready', async () => (await statusOf(`${address}/readyz`)) === 200)
      const page = await fetch(`${address}/queues`)
      const html = await page.text()
      expect(page.status).toBe(200)
      const [, script = ''] = /src="([^"]+\.js)"/.exec(html) ?? []
      expect(await statusOf(new URL(script, `${address}/queues/`).href)).toBe(200)
      expect(await statusOf(`${address}/queues/api/queues`)).toBe(200)
    } finally {
      child.kill('SIGTERM')
    }
    const [code] = (await ended) as [number | null]
    expect(code, log).toBe(0)
  }, 60_000)
})
