import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PlaygroundFile } from '../../playground/playground-file.ts'
import { until } from '../../playground/stack/until.ts'
import { stack } from '../stack/stack.ts'

const run = promisify(execFile)
const start = fileURLToPath(new URL('../../playground/start.ts', import.meta.url))
const capstan = fileURLToPath(new URL('../../bin/capstan.mjs', import.meta.url))

let stateDir: string
let child: ChildProcess
let output = ''

beforeAll(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'capstan-playground-'))
})
afterAll(async () => {
  child?.kill('SIGKILL')
  await until('the end of all processes', async () => (await processes()) === '')
  rmSync(stateDir, { recursive: true, force: true })
})

function launch(...flags: string[]): ChildProcess {
  const PATH = `${stack().binDir}:${process.env.PATH ?? ''}`
  const env = { ...process.env, PATH, CAPSTAN_STOP_WITHIN_MS: '120000' }
  const started = spawn(process.execPath, [start, '--state-dir', stateDir, ...flags], { env })
  output = ''
  for (const stream of [started.stdout, started.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  return started
}

function file(): PlaygroundFile {
  return JSON.parse(readFileSync(join(stateDir, 'playground.json'), 'utf8')) as PlaygroundFile
}

/** A program that starts again has none for a moment. */
async function pidOf(name: keyof PlaygroundFile['pids']): Promise<number> {
  return await until(`the pid of ${name}`, async () => file().pids[name])
}

async function ready(): Promise<void> {
  await until('playground.json', async () => existsSync(join(stateDir, 'playground.json')), {
    giveUp: () => (child.exitCode === null ? undefined : `npm start ended: ${output}`),
  })
}

/** Everything that runs and names our state folder. */
async function processes(): Promise<string> {
  const { stdout } = await run('ps', ['-axww', '-o', 'pid,stat,args'])
  return stdout
    .split('\n')
    .filter((line) => line.includes(stateDir) && !/^\s*\d+ Z/.test(line))
    .join('\n')
}

async function kubectl(...args: string[]): Promise<string> {
  return (await run(file().kubectl, ['--kubeconfig', file().kubeconfig, ...args])).stdout
}

async function ended(process: ChildProcess): Promise<number | null> {
  if (process.exitCode !== null) return process.exitCode
  return await new Promise((resolve) => process.once('exit', resolve))
}

describe('npm start', () => {
  let work: string
  const git = async (...args: string[]) => await run('git', args, { cwd: work })

  async function push(): Promise<void> {
    await git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qam', 'change')
    await git('push', '-q')
  }

  it('brings everything up and says so in playground.json', async () => {
    child = launch()
    await ready()
    const { version, token, tokenFile, kubeconfig, binDir, apiUrl, pids, registry, chartRepo, queuePrefix } = file()
    expect(version).toBe(1)
    expect(queuePrefix).toBe('{capstan}')
    expect(statSync(join(stateDir, 'playground.json')).mode & 0o777).toBe(0o600)
    expect(readFileSync(tokenFile, 'utf8')).toBe(token)
    expect([kubeconfig, binDir, tokenFile].every(isAbsolute)).toBe(true)
    await until('capstan is ready', async () => (await fetch(`${apiUrl}/readyz`)).ok)
    expect((await fetch(`${chartRepo}/index.yaml`)).status).toBe(200)
    expect((await fetch(`http://${registry}/v2/shop/web/tags/list`)).status).toBe(200)
    expect(Object.keys(pids).toSorted()).toEqual(
      ['capstan', 'charts', 'etcd', 'git', 'kubeApiserver', 'kubeControllerManager']
        .concat(['kubeScheduler', 'kwok', 'redis', 'registry', 'supervisor'])
        .toSorted(),
    )
    expect(pids.supervisor).toBe(child.pid)
    for (const pid of Object.values(pids)) expect(() => process.kill(pid, 0)).not.toThrow()
    await until('the text for people', async () => output.includes('Things to try'))
  })

  it('has the whole sample applied and both releases deployed', async () => {
    const env = { ...process.env, CAPSTAN_URL: file().apiUrl, CAPSTAN_TOKEN_FILE: file().tokenFile }
    const status = async () =>
      JSON.parse((await run(process.execPath, [capstan, 'status', '-o', 'json'], { env })).stdout) as {
        ready: boolean
        sources: { objects: number }[]
        releases: { state: string }[]
      }
    const { sources, releases } = await until('a green status', async () => {
      const now = await status()
      return now.ready && now.releases.length === 2 && now
    })
    expect(sources.map(({ objects }) => objects)).toEqual([16])
    expect(releases.map(({ state }) => state)).toEqual(['deployed', 'deployed'])
    await kubectl('rollout', 'status', 'deployment/web', '-n', 'shop', '--timeout=120s')
  })

  it('has a pushed change on the cluster, removes what left git, and repairs what was deleted', async () => {
    work = join(stateDir, 'work')
    await run('git', ['clone', '-q', file().gitUrl, work])
    const web = join(work, 'cluster', 'shop', 'web.yaml')
    await run('sed', ['-i.bak', 's/replicas: 2/replicas: 3/', web])
    rmSync(join(work, 'cluster', 'tools', 'network.yaml'))
    await push()
    await until('three replicas', async () => {
      return (await kubectl('get', 'deployment', 'web', '-n', 'shop', '-o', 'jsonpath={.spec.replicas}')) === '3'
    })
    await until(
      'the policy is gone',
      async () => (await kubectl('get', 'networkpolicy', '-n', 'tools', '-o', 'name')) === '',
    )
    const uid = () =>
      kubectl('get', 'service', 'web', '-n', 'shop', '--ignore-not-found', '-o', 'jsonpath={.metadata.uid}')
    const before = await uid()
    await kubectl('delete', 'service', 'web', '-n', 'shop')
    await until('another service web', async () => (await uid()) !== '' && (await uid()) !== before)
  })

  it('starts a dead process again and writes its pid', async () => {
    for (const name of ['capstan', 'redis', 'kubeScheduler', 'git'] as const) {
      const before = await pidOf(name)
      process.kill(before, 'SIGKILL')
      await until(`a new ${name}`, async () => file().pids[name] !== undefined && file().pids[name] !== before)
    }
    expect(file().capstan.restarts).toBe(1)
    await until('capstan is ready again', async () => (await fetch(`${file().apiUrl}/readyz`)).ok)
  })

  it('sends a second start on the same folder away, and says where the first is', async () => {
    const { stderr, code } = await run(process.execPath, [start, '--state-dir', stateDir]).then(
      () => ({ stderr: '', code: 0 }),
      (error: { stderr: string; code: number }) => error,
    )
    expect(code).toBe(1)
    expect(stderr).toContain(`pid ${child.pid}`)
    expect(stderr).toContain(file().apiUrl)
  })

  it('leaves nothing that a new start trips over when it is killed', async () => {
    child.kill('SIGKILL')
    await ended(child)
    rmSync(join(stateDir, 'playground.json'))
    const ports = () => Object.keys(JSON.parse(readFileSync(join(stateDir, 'ports.json'), 'utf8')) as object)
    const before = ports()
    child = launch()
    await ready()
    expect(ports()).toEqual(before)
  })

  it('stops on SIGTERM and leaves no process, also when some hang', async () => {
    for (const name of ['etcd', 'redis', 'capstan'] as const) process.kill(await pidOf(name), 'SIGSTOP')
    child.kill('SIGTERM')
    // Three times in a row, as a terminal, npm and our own script together may do it.
    child.kill('SIGTERM')
    child.kill('SIGINT')
    expect(await ended(child)).toBe(0)
    await until('the end of all processes', async () => (await processes()) === '')
    expect(existsSync(join(stateDir, 'playground.json'))).toBe(false)
  })
})

describe('npm start on an existing cluster', () => {
  it('changes nothing without --yes and says what it would do', async () => {
    const { stderr, code } = await run(process.execPath, [
      start,
      '--state-dir',
      stateDir,
      '--kubeconfig',
      stack().kubeconfig,
    ]).then(
      () => ({ stderr: '', code: 0 }),
      (error: { stderr: string; code: number }) => error,
    )
    expect(code).toBe(64)
    expect(stderr).toMatch(/This would apply the sample repository to context .*, https:.* Add --yes to do it/)
  })
})
