import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PlaygroundFile } from '../../playground/playground-file.ts'
import { exampleNames } from '../../playground/sample-repository.ts'
import { until } from '../../playground/stack/until.ts'
import { runCapstan } from '../e2e/capstan.ts'
import { linesOf } from '../guide/lines.ts'
import { stack } from '../stack/stack.ts'
import { removeFolder } from '../stack/remove-folder.ts'

const run = promisify(execFile)
const start = fileURLToPath(new URL('../../playground/start.ts', import.meta.url))

let stateDir: string
let child: ChildProcess | undefined
let printed = ''

beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'capstan-example-'))
})

afterEach(async (context) => {
  if (context.task.result?.state === 'fail' && existsSync(join(stateDir, 'playground.json')))
    console.log((await capstan('status')).stdout, printed)
  const running = child
  if (running && running.exitCode === null) {
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGINT')
    await ended
  }
  removeFolder(stateDir)
})

/** The first command of the example's page, with a cluster of its own; resolves when Capstan is ready. */
async function open(example: string): Promise<void> {
  const [line = ''] = commandsOf(example)
  const [flags = ''] = /(?<=^npm start -- ).*/.exec(line) ?? expect.fail(`${example} does not begin with npm start`)
  const PATH = `${stack().binDir}:${process.env.PATH ?? ''}`
  const env = { ...process.env, PATH, CAPSTAN_STOP_WITHIN_MS: '120000' }
  const started = spawn(process.execPath, [start, '--state-dir', stateDir, ...flags.split(' ')], { env })
  child = started
  printed = ''
  for (const stream of [started.stdout, started.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text))
  await until('playground.json', async () => existsSync(join(stateDir, 'playground.json')), {
    giveUp: () => (started.exitCode === null ? undefined : `npm start ended: ${printed}`),
  })
}

const commandsOf = (example: string): string[] =>
  linesOf(`playground/examples/${example}/README.md`).map(({ text }) => text)

/** A command of a page as it stands there, with kubectl for the playground. */
async function type(line: string): Promise<void> {
  const env = { PATH: `${stack().binDir}:${process.env.PATH ?? ''}`, KUBECONFIG: file().kubeconfig, HOME: stateDir }
  await run('bash', ['-c', line], { env })
}

const file = (): PlaygroundFile => JSON.parse(readFileSync(join(stateDir, 'playground.json'), 'utf8')) as PlaygroundFile

async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await run(join(stack().binDir, 'kubectl'), [...args, `--kubeconfig=${file().kubeconfig}`])
  return stdout.trim()
}

async function capstan(...args: string[]): Promise<{ code: number; stdout: string }> {
  return await runCapstan(args, { CAPSTAN_URL: file().apiUrl, CAPSTAN_TOKEN_FILE: file().tokenFile })
}

/** All sources and releases are as they should be. */
async function settled(): Promise<void> {
  await until('all to be ready', async () => (await capstan('status')).code === 0)
}

/** Commits and pushes as a user would. */
async function push(change: (folder: string) => Promise<void>): Promise<void> {
  const folder = join(stateDir, 'clone')
  await run('git', ['clone', '--quiet', file().gitUrl, folder])
  await change(folder)
  const who = ['-c', 'user.name=ana', '-c', 'user.email=ana@example.com']
  await run('git', [...who, '-C', folder, 'commit', '--quiet', '--all', '--message', 'change'])
  await run('git', ['-C', folder, 'push', '--quiet'])
}

describe('playground/examples', () => {
  it('has a page for each, which says how to start it', () => {
    for (const name of exampleNames) expect(commandsOf(name)[0]).toBe(`npm start -- --example ${name}`)
  })

  it('multi-tenant: teams are apart, and what one may not do stops neither', async () => {
    await open('multi-tenant')
    await until('both teams are sources', async () => {
      const { stdout } = await capstan('status')
      return ['team-blue/blue ', 'team-red/red '].every((name) => stdout.includes(name))
    })
    await settled()
    expect(await kubectl('get', 'sources', '-A', '-o', 'name')).toBe('source.capstan.dev/blue\nsource.capstan.dev/red')
    expect(await kubectl('get', 'deploy', 'web', '-n', 'team-blue', '-o', 'jsonpath={.spec.replicas}')).toBe('2')
    expect(
      await kubectl('get', 'service', 'web', '-n', 'team-red', '-o', 'jsonpath={.metadata.annotations.team}'),
    ).toBe('red')
    await push(async (folder) => {
      const blue = join(folder, 'tenants/blue/kustomization.yaml')
      await run('sed', ['-i', 's/namespace: team-blue/namespace: default/', blue])
    })
    await until('blue is denied', async () => /Forbidden/.test((await capstan('status')).stdout))
    expect(await kubectl('get', 'deploy', 'web', '-n', 'team-red', '-o', 'jsonpath={.spec.replicas}')).toBe('1')
    const { stdout } = await capstan('status')
    expect(stdout).toMatch(/team-red\/red .*yes/)
  })

  it('staging-production: a broken staging leaves production as it is', async () => {
    await open('staging-production')
    await settled()
    const greeting = async (namespace: string) =>
      await kubectl('get', 'configmap', 'greeter', '-n', namespace, '-o', 'jsonpath={.data.greeting}')
    expect([await greeting('staging'), await greeting('production')]).toEqual([
      'hello from staging',
      'hello from production',
    ])
    const { stdout } = await capstan('helm', 'values', 'production/greeter')
    expect(stdout).toMatch(/replicas +3 +ConfigMap production\/greeter-values/)
    await push(async (folder) => {
      await run('sed', ['-i', 's/replicas: 1/replicas: {a: 1}/', join(folder, 'cluster/staging.yaml')])
    })
    await until('staging fails', async () =>
      /staging\/greeter .* no .*HelmFailed|RenderFailed/.test((await capstan('status')).stdout),
    )
    expect(await greeting('production')).toBe('hello from production')
  })

  it('openfaas: functions wait for their definition, and the definition is not deleted with them', async () => {
    await open('openfaas')
    await settled()
    expect(await kubectl('get', 'functions', '-n', 'openfaas-fn', '-o', 'name')).toBe(
      'function.openfaas.com/figlet\nfunction.openfaas.com/nodeinfo',
    )
    await push(async (folder) => {
      await run('git', ['-C', folder, 'rm', '--quiet', 'cluster/zz-definition.yaml'])
    })
    await until('it is held', async () => /DeleteHeld/.test((await capstan('status')).stdout))
    expect(await kubectl('get', 'functions', '-n', 'openfaas-fn', '-o', 'name')).toContain('figlet')
  })

  it('fluxcloud: a receiver as fluxd had it is told of syncs, of their commits, workloads and errors', async () => {
    await open('fluxcloud')
    await settled()
    const { receiver = '' } = file()
    type Told = { type: string; text: string }[]
    const told = async (words: RegExp) =>
      await until(`the receiver shows ${words.source}`, async () =>
        ((await (await fetch(receiver)).json()) as Told).find(({ text }) => words.test(text)),
      )
    expect(await told(/shop:deployment\/web/)).toMatchObject({ type: 'sync' })

    await push(async (folder) => {
      await run('sed', ['-i', 's/replicas: 1/replicas: 2/', join(folder, 'cluster/web.yaml')])
    })
    const commit = (await run('git', ['-C', join(stateDir, 'clone'), 'rev-parse', 'HEAD'])).stdout.slice(0, 7)
    const { text } = await told(new RegExp(`^Event: sync ${commit}$`, 'm'))
    expect(text.split('\n')).toEqual([
      'Applied flux changes to cluster',
      `Event: sync ${commit}`,
      'Commits:',
      `  ${commit}: change`,
      'Resources updated:',
      '  shop:deployment/web',
    ])
    expect(readFileSync(join(stateDir, 'logs/receiver.log'), 'utf8')).toContain(text)
    expect((await capstan('sink', 'ls')).stdout).toMatch(/upstream/)

    rmSync(join(stateDir, 'clone'), { recursive: true })
    await push(async (folder) => {
      await run('sed', ['-i', 's/replicas: 2/replicas: many/', join(folder, 'cluster/web.yaml')])
    })
    expect((await told(/^Errors:$/m)).text).toMatch(/^ {2}shop:deployment\/web \(cluster\/web\.yaml\): .*replicas/m)
  })

  it('istio-flagger: a canary is waited for until Flagger has settled it', async () => {
    await open('istio-flagger')
    const told = async (words: RegExp) => {
      await until(`status says ${words.source}`, async () => words.test((await capstan('status')).stdout))
    }
    const play = async (phase: string) => {
      const status = JSON.stringify({ status: { phase } })
      await kubectl(
        'patch',
        'canary',
        'podinfo',
        '-n',
        'canaries',
        '--subresource=status',
        '--type=merge',
        '-p',
        status,
      )
    }
    await told(/canaries:canary\/podinfo.*Flagger has not begun/)
    for (const line of commandsOf('istio-flagger').slice(1)) await type(line)
    await settled()
    await play('Failed')
    await capstan('sync', 'canaries/podinfo', '--no-wait')
    await told(/canaries:canary\/podinfo its phase is Failed/)
  })
})
