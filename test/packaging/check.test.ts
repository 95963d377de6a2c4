import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'
import { stack } from '../stack/stack.ts'
import { root } from './dockerfile.ts'

type Said = { code: number; lines: string[] }

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-check-'))
  await mkdir(join(folder, 'bin'))
})

afterAll(async () => await rm(folder, { recursive: true, force: true }))

/** `capstan check` with these flags; `path` is the PATH of its children. */
async function check(flags: readonly string[], path = `${stack().binDir}:${process.env.PATH}`): Promise<Said> {
  return await new Promise((resolve) => {
    const args = [join(root, 'bin/capstan.mjs'), 'check', ...flags]
    execFile(process.execPath, args, { env: { PATH: path, HOME: folder } }, (error, stdout) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, lines: stdout.trim().split('\n') })
    })
  })
}

const cluster = () => [`--kubeconfig=${stack().kubeconfig}`, '--redis-prefix={capstan-check}']

describe('capstan check', () => {
  it('finds nothing wrong where everything is there', async () => {
    const { code, lines } = await until('cluster and Redis answer in time', async () => {
      const said = await check([...cluster(), `--redis-url=${stack().redisUrl}`])
      const late = said.lines.find((line) => line.includes('does not answer'))
      if (late) throw new Error(late)
      return said
    })
    expect(lines.filter((line) => !/^(ok|warn) /.test(line))).toEqual([])
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}git 2\./))
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}helm 3\./))
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}Kubernetes v1\..* at https:/))
    expect(lines).toContain('ok    Redis answers')
    expect(code).toBe(0)
  })

  it('names what is missing, and what is old', async () => {
    const old = join(folder, 'bin/git')
    await writeFile(old, '#!/bin/sh\necho git version 2.1.4\n')
    await chmod(old, 0o755)
    await symlink('/bin/sh', join(folder, 'bin/sh')).catch(() => {})
    const { code, lines } = await check([...cluster(), `--redis-url=${stack().redisUrl}`], dirname(old))
    expect(lines).toContain('warn  git 2.1.4 is old: take 2.30 or newer')
    expect(lines).toContain('bad   helm is not found; it is needed for every HelmRelease')
    expect(lines).toContain('warn  kustomize is not found; it is needed for kustomizations')
    expect(code).toBe(1)
  })

  it('says that cluster and Redis cannot be reached, and no password', async () => {
    const { code, lines } = await check(['--kubeconfig=/nowhere', '--redis-url=redis://:hunter2@127.0.0.1:1'])
    expect(lines.filter((line) => line.startsWith('bad'))).toEqual([
      expect.stringMatching(/kubeconfig cannot be read/),
      expect.stringMatching(/Redis does not answer/),
    ])
    expect(lines.join('\n')).not.toContain('hunter2')
    expect(code).toBe(1)
  })

  it('warns of a Redis that drops jobs when it is full', async () => {
    const port = await freePort()
    const args = ['--port', String(port), '--save', '', '--dir', folder, '--maxmemory-policy', 'allkeys-lru']
    const redis = spawn('redis-server', args, {
      stdio: 'ignore',
      env: { PATH: `${stack().binDir}:${process.env.PATH}` },
    })
    const ended = once(redis, 'exit')
    try {
      const flags = [...cluster(), `--redis-url=redis://127.0.0.1:${port}`]
      const isTold = async () => (await check(flags)).lines.some((line) => /^warn .*noeviction/.test(line))
      await until('the warning', isTold)
    } finally {
      redis.kill('SIGTERM')
      await ended
    }
  })

  it.each([
    ['a flag that there is not', ['--git-ulr=x'], 2, /^bad {3}unknown flag --git-ulr; did you mean --git-url\?$/],
    ['a path that begins with a slash', ['--git-url=https://a/b', '--git-path=/x'], 1, /^bad {3}--git-path must not/],
  ])('ends as run would for %s', async (_what, flags, exit, line) => {
    const { code, lines } = await check(flags)
    expect(lines).toEqual([expect.stringMatching(line)])
    expect(code).toBe(exit)
  })
})
