import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'
import { which } from '../../playground/tools/on-path.ts'
import { configMap, namespace as namespaceManifest } from '../e2e/manifests.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { type SshServer, startSshServer } from '../git/ssh-server.ts'
import { linesOf } from '../guide/lines.ts'
import { notRun } from '../guide/not-run.ts'
import { stack } from '../stack/stack.ts'
import { chart, helm, kubectl, objectsOf, podsOf } from './chart.ts'
import { root } from './dockerfile.ts'
import { type OwnNode, startOwnNode } from './own-node.ts'
import { type PodProcess, startPod } from './pod-process.ts'

const id = randomBytes(4).toString('hex')
const namespace = `capstan-readme-${id}`
const shop = `${namespace}-shop`
/** OpenSSH’s server is not on every machine (Debian: apt install openssh-server). */
const hasSshd = which('sshd') !== undefined

const commands = linesOf('README.md', 'Install it in a cluster').map(({ text }) => text)

let folder: string
let port: number
let node: OwnNode
let repository: Repository
let server: SshServer
let pod: PodProcess | undefined
const env: Record<string, string> = {}

beforeAll(async () => {
  if (!hasSshd) return
  folder = await mkdtemp(join(tmpdir(), 'capstan-readme-'))
  port = await freePort()
  node = await startOwnNode(`own-${id}`)
  server = await startSshServer()
  repository = await createRepository()
  await repository.push({
    'deploy/namespace.yaml': namespaceManifest(shop),
    'deploy/app.yaml': configMap('app', shop, 'from git'),
    'not-deployed.yaml': configMap('other', shop, 'elsewhere'),
  })
  await writeFile(join(folder, 'known_hosts'), server.knownHosts)
  for (const file of ['helmrelease', 'source'])
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', `${chart}/crds/${file}.yaml`])
  await writePrograms()
})

afterAll(async () => {
  if (!hasSshd) return
  await pod?.stop()
  await helm('uninstall', 'capstan', '-n', namespace, '--no-hooks', '--ignore-not-found')
  await kubectl(['delete', 'namespace', namespace, shop, '--ignore-not-found', '--wait=false'])
  await node?.remove()
  await Promise.all([repository?.stop(), server?.close()])
  await rm(folder, { recursive: true, force: true })
})

/** helm, kubectl and npx as the reader has them; helm is kept within our namespaces, for the cluster is shared. */
async function writePrograms(): Promise<void> {
  const bin = join(folder, 'bin')
  await mkdir(bin)
  const { helm: realHelm, kubectl: realKubectl, kubeconfig } = stack()
  const shared = ['--skip-crds', '--set', `allowNamespace=${shop}`, '--set', `sources.namespaces={${shop}}`]
  // of the reader's own git server, as the chapter says
  const own = ['--set-file', `git.knownHosts=${join(folder, 'known_hosts')}`]
  const more = [...shared, ...own, ...node.helmArgs].map((word) => `'${word}'`).join(' ')
  const programs = {
    helm: `exec '${realHelm}' "$@" ${more}`,
    kubectl: `exec '${realKubectl}' "$@"`,
    npx: `[ "$1" = capstan ] || exit 64\nshift\nexec '${process.execPath}' '${join(root, 'bin/capstan.mjs')}' "$@"`,
  }
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(bin, name), `#!/bin/sh\nexport KUBECONFIG='${kubeconfig}'\n${text}\n`)
    await chmod(join(bin, name), 0o755)
  }
}

/** The line with what a reader puts in the place of the examples. */
function asReader(line: string): string {
  return line
    .replaceAll('charts/capstan', chart)
    .replaceAll('git@github.com:you/cluster.git', server.urlOf(join(repository.server.root, 'repo.git')))
    .replaceAll('capstan-system', namespace)
    .replaceAll('3030', String(port))
    .replaceAll('capstan.token', join(folder, 'capstan.token'))
}

async function run(line: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const PATH = `${join(folder, 'bin')}:${process.env.PATH ?? ''}`
  // kubectl and helm keep caches at home
  const options = { cwd: folder, env: { ...env, HOME: folder, PATH, NO_COLOR: '1' } }
  return await promisify(execFile)('bash', ['-o', 'pipefail', '-c', asReader(line)], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  )
}

/** A port-forward leads to a pod, which no node here runs: its program takes the port itself. */
async function forward(line: string): Promise<void> {
  const [, target = ''] = /port-forward (\S+) 3030 &$/.exec(line) ?? []
  const [kind, name] = target.split('/')
  expect([kind, name]).toEqual(['deployment', 'capstan'])
  await kubectl(['get', target, '-n', namespace])
  const made = podsOf(objectsOf(await helm('get', 'manifest', 'capstan', '--namespace', namespace))).get('all')
  const started = await startPod(made ?? expect.fail('there is no pod'), { namespace, folder, port })
  pod = started
  // what helm's --wait waits for, while nobody knows the deploy key yet
  await until('the pod to be ready', async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok, {
    giveUp: () => (started.child.exitCode === null ? undefined : `it ended: ${started.log()}`),
  })
}

describe.skipIf(!hasSshd)('a new user, by the chapter of the README alone', () => {
  it('has commands to follow', () => {
    expect(commands.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'docker build --tag',
      'helm install capstan',
      'kubectl --namespace capstan-system',
      'kubectl --namespace capstan-system',
      'export CAPSTAN_URL=http://127.0.0.1:3030 CAPSTAN_TOKEN_FILE=capstan.token',
      'npx capstan identity',
      'npx capstan sync',
      'npx capstan status',
    ])
  })

  it('goes from helm install to a synced repository', async () => {
    const printed: string[] = []
    for (const line of commands) {
      if (notRun.some((one) => one.line === line)) continue
      if (line.startsWith('export ')) {
        for (const [, name = '', value = ''] of asReader(line).matchAll(/(\w+)=(\S+)/g)) env[name] = value
      } else if (line.includes(' port-forward ')) await forward(line)
      else {
        const { code, stdout, stderr } = await run(line)
        expect([line, code, stdout], `${stderr}\n${pod?.log() ?? ''}`).toEqual([line, 0, stdout])
        printed.push(stdout)
        if (line.endsWith(' identity')) {
          await until('status says that the key is not known yet', async () => {
            const before = await run('npx capstan status')
            return before.code === 1 && before.stdout.includes('GitAuthFailed')
          })
          expect(stdout).toMatch(/^(ssh-\w+|ecdsa-\S+) \S+/)
          server.authorize(stdout)
        }
      }
    }
    expect(printed.at(-1)).toMatch(new RegExp(`${namespace}/default .*yes`))
    const data = async (name: string) =>
      await kubectl(['get', 'configmap', name, '-n', shop, '-o', 'jsonpath={.data.key}', '--ignore-not-found'])
    expect((await data('app')).stdout).toBe('from git')
    expect((await data('other')).stdout).toBe('')
  })
})
