import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'
import { stack } from '../stack/stack.ts'
import { type KubeObject, kubectl, objectsOf, render } from './chart.ts'
import { root } from './dockerfile.ts'

const namespace = `capstan-redis-${randomBytes(4).toString('hex')}`
const start = promisify(execFile)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-redis-'))
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const files = ['-keyout', join(folder, 'tls.key'), '-out', join(folder, 'ca.crt')]
  await start('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files])
})

afterAll(async () => {
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false'])
  await rm(folder, { recursive: true, force: true })
})

/** A real redis-server with this configuration, until `use` ends. */
async function withRedis(lines: readonly string[], use: () => Promise<void>): Promise<void> {
  const file = join(folder, `${randomBytes(4).toString('hex')}.conf`)
  await writeFile(file, `${lines.join('\n')}\n`)
  const child = spawn('redis-server', [file], {
    stdio: 'ignore',
    env: { PATH: `${stack().binDir}:${process.env.PATH}` },
  })
  const ended = once(child, 'exit')
  try {
    await use()
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

describe('a Redis of one’s own, as docs/chart.md describes it', () => {
  it('is enough with TLS, an authority of its own, and a user who may do just that', async () => {
    const [rights = ''] = /~\{capstan\}:\* [^`]+/.exec(readFileSync(join(root, 'docs/chart.md'), 'utf8')) ?? []
    const port = await freePort()
    const tls = [
      `tls-key-file ${folder}/tls.key`,
      `tls-cert-file ${folder}/ca.crt`,
      `tls-ca-cert-file ${folder}/ca.crt`,
      'tls-auth-clients no',
    ]
    const users = ['user default off', 'user admin on >admin ~* &* +@all', `user capstan on >secret &* ${rights}`]
    const lines = [
      `dir ${folder}`,
      'port 0',
      `tls-port ${port}`,
      'bind 127.0.0.1',
      'maxmemory-policy noeviction',
      ...tls,
      ...users,
    ]
    await withRedis(lines, async () => {
      const address = `http://127.0.0.1:${await freePort()}`
      const flags = [
        `--listen=${address.slice('http://'.length)}`,
        `--kubeconfig=${stack().kubeconfig}`,
        `--namespace=${namespace}`,
        `--state-dir=${join(folder, 'state')}`,
        '--enable=sync',
        // the cluster may be shared: Sources of others are left alone
        `--source-namespaces=${namespace}`,
        '--shutdown-grace=2s',
      ]
      const capstan = spawn(process.execPath, [join(root, 'bin/capstan.mjs'), 'run', ...flags], {
        env: {
          PATH: `${stack().binDir}:${process.env.PATH}`,
          // as the chart gives them
          CAPSTAN_REDIS_URL: `rediss://capstan:secret@localhost:${port}`,
          NODE_EXTRA_CA_CERTS: join(folder, 'ca.crt'),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let log = ''
      for (const stream of [capstan.stdout, capstan.stderr]) stream.on('data', (chunk) => (log += String(chunk)))
      const ended = once(capstan, 'exit')
      try {
        const done = /^capstan_job_duration_seconds_count\{kind="resync",outcome="done"\} [1-9]/m
        const isDone = async () => done.test(await textOf(`${address}/metrics`))
        await until('a job to be done', isDone, {
          timeoutMs: 120_000,
          giveUp: () => (capstan.exitCode === null ? undefined : log),
        })
      } finally {
        capstan.kill('SIGTERM')
        await ended
      }
      const admin = new Redis(`rediss://admin:admin@localhost:${port}`, {
        tls: { ca: readFileSync(join(folder, 'ca.crt')) },
      })
      // what was refused to anybody
      expect(await admin.call('ACL', 'LOG'), log).toEqual([])
      expect((await admin.keys('*')).filter((key) => !key.startsWith('{capstan}'))).toEqual([])
      admin.disconnect()
      expect(log).not.toContain('secret')
    })
  })
})

describe('the Redis of the chart', () => {
  it('starts with the configuration that the chart writes: append-only, no eviction, a password', async () => {
    const secret = objectsOf(await render(namespace)).find(
      ({ kind, metadata }) => kind === 'Secret' && metadata.name === 'capstan-redis',
    ) as (KubeObject & { stringData: Record<string, string> }) | undefined
    const { password = '', 'redis.conf': configuration = '' } = secret?.stringData ?? expect.fail('no Secret')
    const port = await freePort()
    const here = configuration.replace('port 6379', `port ${port}`).replace('dir /data', `dir ${folder}`)
    await withRedis([here], async () => {
      const options = { retryStrategy: () => 100, maxRetriesPerRequest: null }
      const client = new Redis(`redis://:${password}@127.0.0.1:${port}`, options)
      client.on('error', () => {})
      const settings = await Promise.all(
        ['maxmemory-policy', 'appendonly', 'maxmemory'].map(
          async (name) => (await client.call('CONFIG', 'GET', name)) as string[],
        ),
      )
      expect(settings.map(([, value]) => value)).toEqual(['noeviction', 'yes', String(384 * 1024 * 1024)])
      const stranger = new Redis(port, '127.0.0.1', { retryStrategy: () => null })
      stranger.on('error', () => {})
      await expect(stranger.set('a', 'b')).rejects.toThrow(/NOAUTH/)
      for (const one of [client, stranger]) one.disconnect()
    })
  })
})

async function textOf(url: string): Promise<string> {
  return await fetch(url).then(
    async (answer) => await answer.text(),
    () => '',
  )
}
