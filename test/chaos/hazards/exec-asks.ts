import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { startServer } from '../../registry/fake-registry.ts'
import { archive } from '../../helm/world.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import type { Random } from '../random.ts'
import { openReleaseStage } from '../release-stage.ts'

const asksPerTrial = 25

export const i6: Hazard = {
  id: 'I6',
  promise:
    'a real Capstan, with plugins planted where helm looks for them, and 25 releases that ask for programs by schemes, plugins, post-renderers, options in names, and charts that bring their own: 0 programs run',
  trials: scaled(4),
  run: (trial) => asks(trial, asksPerTrial),
  limitMs: 600_000,
}

const verbs = ['install', 'upgrade', 'template', 'delete', 'update']

/** Whatever runs it leaves a file beside the canary. */
type Trap = { folder: string; canary: string; script: string }

/** Each of the asks is a HelmRelease of its own in the namespace that Capstan works on. */
export async function asks({ world, random }: Trial, count: number): Promise<TrialResult> {
  const trap = setTrap(world.directory)
  const isDead = !(await springs(trap, world.stack.helm))
  const charts = await startServer(({ path }, answer, host) => {
    const [, n = '0'] = /^\/(\d+)\//.exec(path) ?? []
    if (!path.endsWith('/index.yaml')) return void answer.end(chartWith(trap, Number(n)))
    answer.end(`entries: {demo: [{version: 1.0.0, urls: [${JSON.stringify(placeOf(Number(n), host, trap))}]}]}\n`)
  })
  world.atEnd(() => charts.close())
  const ground = await openReleaseStage(world, ['--charts-sync-interval=10s'], { env: poisoned(trap) })
  ground.capstan.start()
  await ground.capstan.ready(180_000)
  let [made, refused] = [0, 0]
  for (let n = 0; n < count; n++) {
    const spec = askOf(random, { n, host: charts.host, trap })
    const status = await ground.put(`ask-${n}`, { releaseName: `ask-${n}`, timeout: 20, ...spec })
    if (status === 201) made++
    else refused++
  }
  const judged = await ground.judged(made, 300_000)
  const ran = readdirSync(trap.folder).filter((name) => name.startsWith('canary'))
  const result = judge(
    {
      programsRun: [ran.length, 0],
      notJudged: [made - judged, 0],
      notTried: [made > 0 ? 0 : 1, 0],
      deadTrap: [isDead ? 1 : 0, 0],
    },
    ran.join(', '),
  )
  return { ...result, measured: { ...result.measured, asks: made, refusedByTheDefinition: refused } }
}

/** A plugin for helm of every kind, in each folder where helm may look; programs of the same names on PATH. */
function setTrap(directory: string): Trap {
  const folder = join(directory, 'trap')
  const canary = join(folder, 'canary')
  const script = join(folder, 'evil.sh')
  mkdirSync(folder)
  writeScript(script, `touch ${canary}-script`)
  for (const [n, root] of pluginRoots(folder).entries()) {
    const plugin = join(root, 'evil')
    mkdirSync(plugin, { recursive: true })
    writeScript(join(plugin, 'evil.sh'), `touch ${canary}-plugin-${n}`)
    writeFileSync(join(plugin, 'plugin.yaml'), JSON.stringify(pluginOf('$HELM_PLUGIN_DIR/evil.sh')))
  }
  for (const name of ['evil', 'sops', 'vals', 'kustomize', 's3', 'helm-evil'])
    writeScript(join(folder, 'bin', name), `touch ${canary}-on-path-${name}`)
  return { folder, canary, script }
}

/** Whether helm runs a plugin when nobody keeps it from that: a trap that is dead shows nothing. */
async function springs({ folder, canary }: Trap, helm: string): Promise<boolean> {
  const env = { PATH: process.env.PATH ?? '', HOME: folder, HELM_PLUGINS: join(folder, 'plugins') }
  await promisify(execFile)(helm, ['show', 'chart', 'evil://x/demo-1.0.0.tgz'], { env }).catch(() => undefined)
  const file = `${canary}-plugin-0`
  const isThere = existsSync(file)
  rmSync(file, { force: true })
  return isThere
}

function pluginOf(command: string) {
  const hooks = Object.fromEntries(verbs.map((verb) => [verb, command]))
  const downloaders = [{ command: 'evil.sh', protocols: ['evil', 's3', 'gs', 'git+https', 'secrets', 'file'] }]
  return { name: 'evil', version: '1.0.0', usage: 'x', description: 'x', command, hooks, downloaders }
}

function writeScript(file: string, line: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `#!/bin/sh\n${line}\ncat\n`)
  chmodSync(file, 0o755)
}

function pluginRoots(folder: string): string[] {
  return [
    join(folder, 'plugins'),
    join(folder, 'data/plugins'),
    join(folder, 'home/.local/share/helm/plugins'),
    join(folder, 'xdg/helm/plugins'),
  ]
}

/** What an operator's shell, or who can set it, may have. */
function poisoned({ folder, script }: Trap): Record<string, string> {
  return {
    HELM_PLUGINS: join(folder, 'plugins'),
    HELM_DATA_HOME: join(folder, 'data'),
    XDG_DATA_HOME: join(folder, 'xdg'),
    HELM_POST_RENDERER: script,
    HELM_REGISTRY_CONFIG: join(folder, 'registry.json'),
    HELM_REPOSITORY_CONFIG: join(folder, 'repositories.yaml'),
    KUBECTL_EXTERNAL_DIFF: script,
    HELM_DIFF_USE_UPGRADE_DRY_RUN: 'true',
    GIT_SSH_COMMAND: script,
    BASH_ENV: script,
    ENV: script,
  }
}

/** Where the index of a repository says that the archive is; every third says so honestly. */
function placeOf(n: number, host: string, { script }: Trap): string {
  const honest = `http://${host}/${n}/demo-1.0.0.tgz`
  const odd = [
    `evil://${host}/x`,
    `file://${script}`,
    `s3://bucket/x.tgz`,
    `git+https://${host}/x`,
    script,
    `|${script}`,
  ]
  return n % 3 === 0 ? honest : (odd[n % odd.length] ?? honest)
}

/** A chart that brings plugins, a post-renderer and programs of its own, and depends on what only a plugin could bring. */
function chartWith({ canary, script }: Trap, n: number): Buffer {
  const evil = `#!/bin/sh\ntouch ${canary}-chart-${n}\n`
  const dependency = {
    name: 'sub',
    version: '1.0.0',
    repository: ['evil://x/y', `file://${script}`, '@evil', ''][n % 4],
  }
  const needs = n % 2 === 0 ? '' : `dependencies: [${JSON.stringify(dependency)}]\n`
  const exec = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a-${n}, annotations: {config.kubernetes.io/function: "exec: {path: ${script}}"}}\n`
  return archive([
    { path: 'demo/Chart.yaml', content: `apiVersion: v2\nname: demo\nversion: 1.0.0\n${needs}` },
    { path: 'demo/plugin.yaml', content: JSON.stringify(pluginOf('$HELM_PLUGIN_DIR/evil.sh')) },
    { path: 'demo/plugins/evil/plugin.yaml', content: JSON.stringify(pluginOf('$HELM_PLUGIN_DIR/evil.sh')) },
    { path: 'demo/evil.sh', content: evil },
    { path: 'demo/plugins/evil/evil.sh', content: evil },
    { path: 'demo/values.yaml', content: `postRenderer: ${script}\n` },
    { path: 'demo/templates/a.yaml', content: exec },
  ])
}

/** Fields of a HelmRelease, one or two of which ask for a program. */
function askOf(
  random: Random,
  { n, host, trap: { script } }: { n: number; host: string; trap: Trap },
): Record<string, unknown> {
  const repository = `http://${host}/${n}/`
  const chart = { repository, name: 'demo', version: '1.0.0' }
  const scheme = random.pick([
    'evil',
    's3',
    'gs',
    'git+https',
    'git+ssh',
    'secrets',
    'file',
    'exec',
    'ext',
    'EVIL',
    'evil+http',
  ])
  const option = random.pick([
    `--post-renderer=${script}`,
    `--post-renderer ${script}`,
    `-f=evil://${script}`,
    `--plugins=${script}`,
  ])
  const requests: (() => Record<string, unknown>)[] = [
    () => ({ chart }),
    () => ({ chart, postRenderer: { exec: script }, postRenderers: [{ exec: { command: script } }] }),
    () => ({ chart: { ...chart, repository: `${scheme}://${host}${script}` } }),
    () => ({ chart: { ...chart, repository: `${scheme}::${script}` } }),
    () => ({ chart: { ...chart, repository: script } }),
    () => ({ chart: { ...chart, repository: option } }),
    () => ({ chart: { ...chart, name: option } }),
    () => ({ chart: { ...chart, name: `../../../..${script}` } }),
    () => ({ chart: { ...chart, version: option } }),
    () => ({ chart, releaseName: option }),
    () => ({ chart, targetNamespace: option }),
    () => ({ chart, values: { postRenderer: script, 'post-renderer': script, global: { exec: script } } }),
    () => ({ chart, valuesFrom: [{ externalSourceRef: { url: `${scheme}://${script}` } }] }),
    () => ({ chart, valuesFrom: [{ externalSourceRef: { url: `secrets://${script}` } }] }),
    () => ({ chart, valuesFrom: [{ chartFileRef: { path: `secrets://${script}` } }] }),
    () => ({ chart: { git: `${scheme}::sh -c ${script}`, path: '.' } }),
    () => ({ chart: { git: `${scheme}://${host}/x`, path: '.' } }),
    () => ({ chart: { git: `ssh://-oProxyCommand=${script}/x`, path: '.' } }),
    () => ({ chart: { git: repository, path: option, ref: `--upload-pack=${script}` } }),
  ]
  return requests[n % requests.length]?.() ?? { chart }
}
