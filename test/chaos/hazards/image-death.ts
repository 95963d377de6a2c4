import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../../../playground/stack/until.ts'
import { createQueue, type Queue } from '../../../src/adapters/queue/index.ts'
import { createStore } from '../../../src/adapters/store/index.ts'
import { requestJobName, requestKey } from '../../../src/domain/work/request.ts'
import { createRequests, type Requests } from '../../../src/jobs/requests.ts'
import { quiet } from '../../cluster/world.ts'
import { deployment } from '../../images/workbench.ts'
import { json } from '../../registry/fake-registry.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import type { Random } from '../random.ts'
import { makeContent, startFaulty } from '../registry-world.ts'
import type { UpdateProcessOptions } from '../update-process.ts'
import type { Stage, World } from '../world.ts'

/**
 * Who commits images is killed at a counted call to the outside or command of git (before it, after it, or while git runs on without
 * it), when its push was sent and not answered, or at any time. In odd trials a person asked for a release, in the others a policy chose.
 */
export const a4: Hazard = {
  id: 'A4',
  promise:
    'kill -9 of the process that commits images, before, in and after commit and push: exactly one commit for each update, with its note, none twice, lost or empty, and who asked is told of it',
  trials: scaled(200),
  run: killCommitter,
}

const image = 'app'
const source = { namespace: 'capstan-system', name: 'default' }
const script = fileURLToPath(new URL('../update-process.ts', import.meta.url))
/** As many as an update has, about; one that survives is killed earlier in the next update. */
const mostCalls = 16
const mostCommands = 14
const mostMs = 700
/** Who asks is patient: Redis is never away. */
const answerMs = 30_000
/** Updates that may be survived before the one that is not. */
const mostUpdates = 16

/** Where the process dies. `after`: when it was answered; `besides`: before, and git runs on without it. */
type Point =
  | { at: 'call'; count: number; when: 'before' | 'after' }
  | { at: 'command'; count: number; when: 'before' | 'after' | 'besides' }
  | { at: 'push' }
  | { at: 'time'; ms: number }

type Ground = {
  stage: Stage
  world: World
  queue: Queue
  requests: Requests
  host: string
  /** Lets the registry have so many tags. */
  show(count: number): void
  options: UpdateProcessOptions
}

async function killCommitter(trial: Trial): Promise<TrialResult> {
  const { world, random, index } = trial
  const ground = await openGround(world)
  const ask = index % 2 === 0 ? askByPolicy : askByPerson
  await ground.stage.repository.push({ 'web.yaml': manifest(ground, { tag: 'tag-0', isAutomated: index % 2 === 0 }) })
  let point = choosePoint(random, index)
  for (let update = 1; update <= mostUpdates; update++, point = earlier(point)) {
    ground.show(update + 1)
    const doomed = await start(ground, point)
    const { again, answered } = await ask(ground, update)
    kill(ground, doomed, point)
    const isDead = await Promise.race([ended(doomed), settled(ground, update)])
    if (!isDead) {
      await stop(doomed, 'SIGTERM')
      continue
    }
    const next = await start(ground)
    await settled(ground, update)
    await again()
    await settled(ground, update)
    await stop(next, 'SIGTERM')
    return await judgeCommits(ground, { updates: update, answered })
  }
  return { ok: false, measured: {}, why: `it never died: ${JSON.stringify(point)}` }
}

async function openGround(world: World): Promise<Ground> {
  const stage = await world.stage({ spaces: 1 })
  const content = makeContent(mostUpdates + 1)
  let shown = 1
  const registry = await startFaulty(world, (seen, answer, host) => {
    if (seen.path.includes('/tags/')) return json(answer, 200, { name: image, tags: content.tags.slice(0, shown) })
    return content.answerTo(seen, answer, host)
  })
  const { redisPrefix: prefix } = stage
  const redisUrl = stage.redis.url
  const queue = createQueue({ redisUrl, prefix, worker: 'test', log: quiet, answerMs })
  const store = createStore({ redisUrl, prefix, log: quiet, answerMs })
  world.atEnd(async () => await Promise.all([queue.close(0), store.close()]))
  let ids = 0
  const token = 'of this trial'
  const requests = createRequests({
    store,
    key: () => requestKey(token),
    newId: () => (++ids).toString(16).padStart(32, '0'),
    now: () => new Date(),
  })
  const namespace = stage.spaces[0] ?? ''
  await create(stage, '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  await create(stage, `/apis/apps/v1/namespaces/${namespace}/deployments`, live(namespace))
  return {
    stage,
    world,
    queue,
    requests,
    host: registry.host,
    show: (count) => void (shown = count),
    options: {
      redisUrl,
      redisPrefix: prefix,
      gitUrl: `http://127.0.0.1:${stage.git.cable.port}/repo.git`,
      kubeconfig: stage.kubeconfig,
      registryHost: registry.host,
      directory: join(world.directory, 'updates'),
      token,
    },
  }
}

async function create(stage: Stage, path: string, object: object): Promise<void> {
  const { status } = await stage.cluster.call('POST', path, object)
  if (status !== 201) throw new Error(`POST ${path}: ${status}`)
}

/** A release is for what the cluster has. */
function live(namespace: string): object {
  const labels = { app: 'web' }
  const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'x:1' }] } }
  const spec = { replicas: 0, selector: { matchLabels: labels }, template }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace }, spec }
}

function manifest({ host, stage }: Ground, { tag, isAutomated }: { tag: string; isAutomated: boolean }): string {
  const annotations = { 'fluxcd.io/automated': String(isAutomated), 'fluxcd.io/tag.app': 'numeric:^tag-([0-9]+)$' }
  const text = deployment(`${host}/${image}:${tag}`, annotations)
  return text.replace('  name: web\n', `  name: web\n  namespace: ${stage.spaces[0]}\n`)
}

/** Asks for an update; gives how to ask for the same again, and which commit whoever asked was told of. */
type Ask = (
  ground: Ground,
  update: number,
) => Promise<{ again: () => Promise<unknown>; answered?: () => Promise<string | undefined> }>

const askByPolicy: Ask = async ({ queue, host }) => {
  const scan = { kind: 'scan-image', namespace: '', name: `${host}/${image}`, reason: 'push', lane: 'webhook' } as const
  await queue.enqueue(scan)
  return { again: async () => await queue.enqueue(scan) }
}

const askByPerson: Ask = async ({ queue, requests, host, stage }, update) => {
  const ServiceSpecs = [`${stage.spaces[0]}:deployment/web`]
  const ImageSpec = `${host}/${image}:tag-${update}`
  const spec = { ServiceSpecs, ImageSpec, Kind: 'execute', Excludes: [], Force: false } as const
  const cause = { Message: '', User: 'Ann' }
  const ask = { kind: 'update-images', update: { type: 'image', cause, spec } } as const
  const request = await requests.put({ ...source, by: 'Ann', ask })
  const job = { kind: 'update-images', namespace: source.namespace, name: requestJobName(request) } as const
  const enqueue = async () => await queue.enqueue({ ...job, reason: 'requested by Ann', lane: 'person' })
  await enqueue()
  return { again: enqueue, answered: async () => (await requests.answer(request.id))?.revision }
}

function choosePoint(random: Random, index: number): Point {
  const points: Point[] = [
    { at: 'call', count: random.between(1, mostCalls), when: random.pick(['before', 'after']) },
    { at: 'command', count: random.between(1, mostCommands), when: random.pick(['before', 'after', 'besides']) },
    { at: 'push' },
    { at: 'time', ms: random.between(0, mostMs) },
  ]
  return points[Math.floor(index / 2) % points.length] as Point
}

/** It was survived. */
function earlier(point: Point): Point {
  if (point.at === 'time') return { ...point, ms: Math.floor(point.ms / 2) }
  return point.at === 'push' ? point : { ...point, count: Math.ceil(point.count / 2) }
}

/** Starts the process, with its death prepared where it is one that it brings about itself. */
async function start(ground: Ground, point?: Point): Promise<ChildProcess> {
  const { world, options } = ground
  const dieAt = point?.at === 'call' ? { dieAt: { call: point.count, isAfter: point.when === 'after' } } : {}
  const path = point?.at === 'command' ? `${writeGit(world, point)}:` : ''
  const argument = JSON.stringify({ ...options, ...dieAt } satisfies UpdateProcessOptions)
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, argument], {
    env: { ...process.env, PATH: `${path}${world.stack.binDir}:${process.env.PATH ?? ''}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  world.atEnd(() => stop(child, 'SIGKILL'))
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', (code, signal) => reject(new Error(`it did not start: ${code ?? signal}`)))
  })
  if (path) writeFileSync(armedFile(world), '')
  return child
}

const armedFile = ({ directory }: World) => join(directory, 'armed')

/** A git that kills who runs it at its n-th command, counted from when it is armed. Gives the folder that it is in. */
function writeGit(world: World, point: Extract<Point, { at: 'command' }>): string {
  const folder = join(world.directory, 'bin')
  mkdirSync(folder, { recursive: true })
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim()
  const [armed, count] = [armedFile(world), join(world.directory, `commands-${point.count}`)]
  const last = {
    before: 'kill -9 $PPID; exit 1',
    besides: `kill -9 $PPID; exec ${real} "$@"`,
    after: `${real} "$@"; code=$?; kill -9 $PPID; exit $code`,
  }
  const lines = [
    '#!/bin/sh',
    `[ -e ${armed} ] || exec ${real} "$@"`,
    `echo >> ${count}`,
    `if [ "$(wc -l < ${count})" -eq ${point.count} ]; then ${last[point.when]}; fi`,
    `exec ${real} "$@"`,
  ]
  const file = join(folder, 'git')
  writeFileSync(file, `${lines.join('\n')}\n`)
  chmodSync(file, 0o755)
  return folder
}

/** The deaths that come from outside. */
function kill({ stage }: Ground, child: ChildProcess, point: Point): void {
  if (point.at === 'push') stage.git.gate.atWrite(1, () => child.kill('SIGKILL'), /git-receive-pack$/)
  if (point.at === 'time') setTimeout(() => child.kill('SIGKILL'), point.ms)
}

async function ended(child: ChildProcess): Promise<true> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve))
  if (child.signalCode !== 'SIGKILL') throw new Error(`it ended by itself with ${child.exitCode}`)
  return true
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const end = new Promise((resolve) => child.once('exit', resolve))
  child.kill(signal)
  await end
}

/** Nothing is left to do, and the branch has the update. Gives false: who did it is alive. */
async function settled(ground: Ground, update: number): Promise<false> {
  const { queue, stage } = ground
  await until(`update ${update} is on the branch`, async () => {
    for (const kind of ['scan-image', 'update-images'] as const) {
      const { waiting, active, delayed } = await queue.countsOf(kind)
      if (waiting + active + delayed > 0) return false
    }
    await stage.repository.git('fetch', '-q', 'origin', 'main')
    const text = await stage.repository.git('show', 'origin/main:web.yaml')
    return text.includes(`:tag-${update}"`)
  })
  return false
}

async function judgeCommits(
  ground: Ground,
  { updates, answered }: { updates: number; answered: (() => Promise<string | undefined>) | undefined },
): Promise<TrialResult> {
  const { repository } = ground.stage
  const git = async (...args: string[]) => await repository.git(...args)
  await git('fetch', '-q', 'origin', 'main', '+refs/notes/*:refs/notes/*')
  const commits = (await git('log', '--reverse', '--format=%H %T', 'origin/main')).split('\n')
  const trees = commits.map((line) => line.split(' ')[1])
  const made = commits.slice(1).map((line) => line.split(' ')[0] ?? '')
  const noted = (await git('notes', '--ref=flux', 'list')).split('\n').map((line) => line.split(' ')[1])
  const texts = await Promise.all(made.map((commit) => git('show', `${commit}:web.yaml`)))
  const lost = Array.from({ length: updates }, (_, n) => `:tag-${n + 1}"`).filter(
    (tag) => !texts.some((text) => text.includes(tag)),
  )
  return judge({
    duplicates: [Math.max(0, made.length - updates), 0],
    lost: [lost.length, 0],
    empty: [trees.filter((tree, n) => n > 0 && tree === trees[n - 1]).length, 0],
    withoutNote: [made.filter((commit) => !noted.includes(commit)).length, 0],
    notTold: [answered && (await answered()) !== made.at(-1) ? 1 : 0, 0],
  })
}
