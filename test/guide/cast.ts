import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { publishCharts } from '../../playground/stack/chart-repository.ts'
import { type Listening, listen } from '../../playground/stack/listen.ts'
import { pushImage } from '../../playground/stack/push-image.ts'
import { until } from '../../playground/stack/until.ts'
import { textOf } from './lines.ts'
import type { Reader } from './reader.ts'

const run = promisify(execFile)
const charts = fileURLToPath(new URL('../../playground/sample/charts', import.meta.url))
/** Branch that differs from what is applied. */
const branch = 'my-branch'

/** What the guide's examples are about: namespace `demo` with Deployment `web` and release `podinfo`, and Source `shop`. */
export type Cast = {
  /** Flags that name the sinks of docs/events.md. */
  flags: string[]
  /** Paths that sinks were sent to. */
  told: string[]
  /** A branch beside the sample's, and files that the guide reads. */
  prepare(): Promise<void>
  /** Puts the cast in the place of the sample; resolves when the guard holds the sample's objects. */
  replaceSample(): Promise<void>
  /** Waits until the cast is on the cluster, podinfo at revision 4. */
  settle(): Promise<void>
  /** Makes Source `shop`, and waits until it is ready. */
  addShop(): Promise<void>
  /** A release whose chart there is not, so that its job waits for its next try; and away with it. */
  addBroken(): Promise<void>
  removeBroken(): Promise<void>
  /** Waits until all sources and releases are as they should be. */
  isReady(): Promise<void>
  kubectl(args: string, input?: string): Promise<string>
  git(...args: string[]): Promise<string>
  stop(): Promise<void>
}

/** The cast for a reader whose playground is not up yet. */
export async function createCast(reader: Reader): Promise<Cast> {
  const told: string[] = []
  const receiver = await startReceiver(told)
  const sinks = writeSinks(reader.folder, `http://127.0.0.1:${receiver.port}`)
  const clone = join(reader.folder, 'work')

  async function git(...args: string[]): Promise<string> {
    const who = ['-c', 'user.name=Ana', '-c', 'user.email=ana@example.com']
    return (await run('git', [...who, ...args], { cwd: clone })).stdout.trim()
  }

  async function kubectl(args: string, input = ''): Promise<string> {
    const { code, stdout, stderr } = await reader.type(`kubectl ${args}`, { input })
    if (code !== 0) throw new Error(`kubectl ${args}: ${stderr}`)
    return stdout.trim()
  }

  async function push(files: Record<string, string>, message: string, to = 'main'): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(clone, name)), { recursive: true })
      writeFileSync(join(clone, name), text)
    }
    await git('add', '--all')
    await git('commit', '--quiet', '--message', message)
    await git('push', '--quiet', '--force', 'origin', `HEAD:${to}`)
  }

  /** A file of the cast with the addresses of this playground. */
  function cast(text: string): string {
    const { registry, chartRepo, gitUrl } = reader.playground()
    return text
      .replaceAll('ghcr.io/me/', `${registry}/me/`)
      .replaceAll('https://stefanprodan.github.io/podinfo', chartRepo)
      .replaceAll('https://github.com/you/shop.git', gitUrl)
  }

  async function isReady(): Promise<void> {
    await until('all is ready', async () => (await reader.type('capstan status')).code === 0)
  }

  function podinfo(replicas: number): string {
    const release = cast(objectOf('docs/helmreleases.md', 'HelmRelease', 'podinfo'))
    return release.replace('replicaCount: 2', `replicaCount: ${replicas}`)
  }

  return {
    flags: [`--sinks-file=${sinks}`],
    told,
    isReady,
    kubectl,
    git,
    async prepare() {
      const { gitUrl, registry, chartRepo, helm } = reader.playground()
      await run('git', ['clone', '--quiet', gitUrl, clone])
      await isReady()
      const web = readFileSync(join(clone, 'cluster/shop/web.yaml'), 'utf8')
      await push({ 'cluster/shop/web.yaml': web.replace('replicas: 2', 'replicas: 4') }, 'more of them', branch)
      await git('checkout', '--quiet', 'main')
      await git('reset', '--quiet', '--hard', 'origin/main')
      for (const tag of ['1.3.0', '1.4.1', '1.4.2']) await pushImage({ registry, repository: 'me/web', tag })
      await pushImage({ registry, repository: 'me/podinfo', tag: '6.0.0' })
      await publishCharts({
        root: join(reader.folder, '.capstan/charts'),
        helm,
        url: chartRepo,
        charts: [chartOf(reader)],
      })
      writeFileSync(join(reader.folder, 'tags.txt'), 'main-40\nmain-41\nmain-42\n')
      cpSync(join(reader.folder, '.capstan/webhook-secret'), join(reader.folder, 'webhook-secret'))
      mkdirSync(join(reader.folder, 'deploy'))
    },
    async replaceSample() {
      await git('pull', '--quiet', '--rebase', 'origin', 'main')
      for (const part of ['shop', 'tools']) rmSync(join(clone, 'cluster', part), { recursive: true })
      const cluster = { 'cluster/web.yaml': cast(demoWeb), 'cluster/podinfo.yaml': podinfo(2) }
      await push({ ...cluster, 'deploy/hours.yaml': settings('hours'), 'base/base.yaml': settings('base') }, 'the cast')
      await until('the deletions are held', async () =>
        (await reader.type('capstan status')).stdout.includes('MassDeletion'),
      )
    },
    async settle() {
      await kubectl('create serviceaccount alice --namespace shop')
      await push({ 'deploy/hours.yaml': settings('hours', 'never') }, 'holidays', branch)
      await git('reset', '--quiet', '--hard', 'origin/main')
      for (const replicas of [3, 4, 5]) {
        await deployed(reader, replicas - 2)
        await push({ 'cluster/podinfo.yaml': podinfo(replicas) }, `${replicas} of podinfo`)
      }
      await deployed(reader, 4)
      await isReady()
    },
    async addShop() {
      const shop = cast(objectOf('docs/sources.md', 'Source', 'shop'))
      const base = shop.replace('name: shop,', 'name: base,').replace('[deploy]', '[base]')
      await kubectl('apply -f -', [aroundShop, shop, base.replace(/^ {2}dependsOn.*\n/m, '')].join('\n---\n'))
      await isReady()
    },
    async addBroken() {
      const release = cast(objectOf('docs/helmreleases.md', 'HelmRelease', 'podinfo'))
      await kubectl('apply -f -', release.replaceAll(/(name|releaseName): podinfo\b(?!-)/g, '$1: broken'))
    },
    async removeBroken() {
      await kubectl('delete helmrelease broken -n demo --wait=false')
    },
    stop: async () => await receiver.stop(),
  }
}

async function deployed(reader: Reader, revision: number): Promise<void> {
  await until(`podinfo is at revision ${revision}`, async () =>
    new RegExp(`^demo/podinfo +\\S+ +${revision} +deployed +yes`, 'm').test(
      (await reader.type('capstan status')).stdout,
    ),
  )
}

/** An object of a page, as it stands there. */
function objectOf(page: string, kind: string, name: string): string {
  for (const [, block = ''] of textOf(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm))
    for (const document of parseAllDocuments(block)) {
      const object = document.toJS() as { kind?: string; metadata?: { name?: string } } | null
      if (object?.kind === kind && object.metadata?.name === name) return block
    }
  throw new Error(`${page} has no ${kind} ${name}`)
}

/** The chart that docs/helmreleases.md names. */
function chartOf({ folder }: Reader): string {
  const chart = join(folder, 'podinfo')
  cpSync(join(charts, 'greeter'), chart, { recursive: true })
  const file = join(chart, 'Chart.yaml')
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('name: greeter', 'name: podinfo').replace('version: 0.3.0', 'version: 6.0.0'),
  )
  const template = join(chart, 'templates/deployment.yaml')
  writeFileSync(template, readFileSync(template, 'utf8').replace('.Values.replicas', '.Values.replicaCount'))
  return chart
}

/** The file of docs/events.md, with the files that it names, for a receiver of ours. */
function writeSinks(folder: string, url: string): string {
  const [, block = ''] = /^```yaml\n(sinks:\n[\s\S]*?)^```$/m.exec(textOf('docs/events.md')) ?? []
  const secrets = join(folder, 'sinks')
  mkdirSync(secrets)
  for (const [name, text] of [
    ['slack', `${url}/slack`],
    ['audit-secret', 'a secret'],
    ['github-token', 'a token'],
  ] as const)
    writeFileSync(join(secrets, name), text, { mode: 0o600 })
  const file = join(folder, 'sinks.yaml')
  const own = block
    .replaceAll('/etc/capstan/sinks', secrets)
    .replaceAll(/https?:\/\/(audit|alertmanager)\.[^\s/]+/g, `${url}/$1`)
    .replace(/^( +)type: github$/m, `$1type: github\n$1url: ${url}/github`)
  writeFileSync(file, own)
  return file
}

async function startReceiver(told: string[]): Promise<Listening> {
  const server = createServer((request, response) => {
    told.push(request.url ?? '')
    request.resume().once('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  })
  return await listen(server)
}

const demoWeb = `apiVersion: v1
kind: Namespace
metadata:
  name: demo
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: demo
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: app
          image: ghcr.io/me/web:1.4.1
---
apiVersion: v1
kind: Secret
metadata:
  name: podinfo-values
  namespace: demo
stringData:
  values.yaml: |
    image: ghcr.io/me/podinfo:6.0.0
`

function settings(name: string, monday = '9 to 17'): string {
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, namespace: shop}\ndata: {monday: ${monday}}\n`
}

/** What Source `shop` takes for granted. */
const aroundShop = `apiVersion: v1
kind: ServiceAccount
metadata: {name: deployer, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: admin}
subjects: [{kind: ServiceAccount, name: deployer, namespace: default}]
---
apiVersion: v1
kind: Secret
metadata: {name: shop-git, namespace: default}
stringData: {username: ana, password: none}
`
