import { AppError } from '../../../src/domain/error.ts'
import { isTag } from '../../../src/domain/image/ref.ts'
import { createWorkbench, deployment } from '../../images/workbench.ts'
import { digestOf, pushImage } from '../../registry/push-image.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import type { Random } from '../random.ts'
import { openRegistry, startFaulty } from '../registry-world.ts'

const bodies = 500

export const e4: Hazard = {
  id: 'E4',
  promise:
    'malformed manifests, configurations, lists and headers (500 a trial): 0 crashes, 0 tags that are none, memory grows < 256 MB',
  trials: scaled(20),
  run: (trial) => malformed(trial, bodies),
}

/** Every answer is a valid one with something in it that is not, or no answer of a registry at all. */
export async function malformed({ world, random, index }: Trial, count: number): Promise<TrialResult> {
  const many = index % 10 === 9
  const server = await startFaulty(world, (seen, answer) => {
    const headers = random.pick<Record<string, string>>([
      {},
      { link: oddLink(random) },
      { 'docker-content-digest': random.pick(['', 'sha256:', `sha256:${'0'.repeat(64)}`, 'x'.repeat(5000)]) },
      { 'content-type': 'text/html' },
    ])
    const status = random.pick([200, 200, 200, 200, 200, 404, 403, 204, 418])
    const body = many && seen.path.includes('/tags/') ? hugeList(random) : oddBody(random)
    answer.writeHead(status, headers).end(seen.method === 'HEAD' || status === 204 ? undefined : body)
  })
  const registry = openRegistry(world, { timeoutMs: 10_000 })
  const before = process.memoryUsage().rss
  let crashes = 0
  let noTags = 0
  const guarded = async (work: Promise<unknown>) => {
    await work.then(
      (found) => {
        if (Array.isArray(found)) noTags += found.filter((tag) => typeof tag !== 'string' || !isTag(tag)).length
      },
      (error: unknown) => {
        if (!(error instanceof AppError)) crashes++
      },
    )
  }
  const access = { insecure: true }
  for (let n = 0; n < (many ? 3 : count); n++) {
    const repository = `${server.host}/app-${n}`
    const isWhole = random.next() < 0.5
    await guarded(isWhole ? registry.describe(repository, 'tag', access) : registry.digest(repository, 'tag', access))
    await guarded(registry.tags(repository, access))
  }
  const megabytes = Math.round(Math.max(0, process.memoryUsage().rss - before) / 1e6)
  return judge({ crashes: [crashes, 0], noTags: [noTags, 0], megabytes: [megabytes, 256] })
}

function oddLink(random: Random): string {
  return random.pick([
    '<>; rel="next"',
    '<http://169.254.169.254/v2/x>; rel="next"',
    '<../../admin>; rel=next',
    `<${'/v2/'.repeat(3000)}>; rel="next"`,
    'nonsense',
    '<javascript:alert(1)>; rel="next"',
    '</v2/app/tags/list?n=1000>; rel="next"',
  ])
}

function oddValue(random: Random, depth = 0): unknown {
  const values: (() => unknown)[] = [
    () => null,
    () => random.between(-9, 1e15),
    () => '',
    () => '../../etc/passwd',
    () => `sha256:${'f'.repeat(64)}`,
    () => digestOf('x'),
    () => '2026-13-45T99:99:99Z',
    () => '\u0000\ud800',
    () => 'x'.repeat(random.between(1, 5000)),
    () => [],
    () => ({}),
    () => ({ __proto__: null, constructor: 1, toString: 2 }),
    () => [oddValue(random, depth + 1), oddValue(random, depth + 1)],
    () => ({ digest: oddValue(random, depth + 1), platform: oddValue(random, depth + 1) }),
  ]
  return random.pick(depth > 3 ? values.slice(0, 9) : values)()
}

function oddBody(random: Random): string {
  const shapes: (() => unknown)[] = [
    () => ({ name: 'app', tags: oddValue(random) }),
    () => ({ schemaVersion: 2, config: oddValue(random), layers: oddValue(random) }),
    () => ({ schemaVersion: 1, history: oddValue(random) }),
    () => ({ schemaVersion: 1, history: [{ v1Compatibility: JSON.stringify(oddValue(random)) }] }),
    () => ({ schemaVersion: 2, manifests: [oddValue(random), { digest: oddValue(random) }] }),
    () => ({ created: oddValue(random), config: { Labels: oddValue(random) } }),
    () => ({ errors: [{ code: oddValue(random) }] }),
    () => oddValue(random),
  ]
  const text = JSON.stringify(random.pick(shapes)()) ?? ''
  return random.next() < 0.3
    ? text.slice(0, random.between(0, text.length))
    : `${'['.repeat(random.next() < 0.05 ? 50_000 : 0)}${text}`
}

function hugeList(random: Random): string {
  const tags = Array.from({ length: 100_000 }, (_, n) => `tag-${n}-${'x'.repeat(random.between(0, 60))}`)
  return JSON.stringify({ name: 'app', tags })
}

const moves = 50
const weekMs = 8 * 24 * 3600_000

export const e5: Hazard = {
  id: 'E5',
  promise:
    'tags are pointed elsewhere 50 times, older images are pushed again under new tags: 0 downgrades, by version and by time; a digest that is pinned follows by one commit each time, in which nothing else differs',
  trials: scaled(5),
  run: (trial) => tagsMoved(trial, trial.scale >= 1 ? moves : 15),
}

/** One workload goes by version and one by time; each scan comes when every fact about a tag is due again. */
export async function tagsMoved({ world, random }: Trial, count: number): Promise<TrialResult> {
  const bench = await createWorkbench()
  world.atEnd(() => bench.close())
  let nowMs = Date.now()
  bench.deps.now = () => new Date(nowMs)
  const createdOf = new Map<string, number>()
  const push = async (tag: string) => {
    const created = Date.UTC(2026, 0, 1) + random.between(0, 1000) * 3600_000
    createdOf.set(tag, created)
    await pushImage(bench.host, `${bench.path}/app`, tag, { created: new Date(created).toISOString() })
  }
  const image = `${bench.images}/app`
  const versions = Array.from({ length: 6 }, (_, n) => `1.0.${n}`)
  const times = Array.from({ length: 6 }, (_, n) => `main-${n}`)
  for (const tag of ['1.0.0', 'main-0']) await push(tag)
  bench.push({
    'version.yaml': deployment(`${image}:1.0.0`, { 'fluxcd.io/tag.app': 'semver:~1.0' }, 'version'),
    'time.yaml': deployment(`${image}:main-0`, { 'fluxcd.io/tag.app': 'glob:main-*' }, 'time'),
    'pinned.yaml': deployment(
      `${bench.images}/pinned:1.0.0`,
      { 'fluxcd.io/tag.app': 'semver:1.0.0', 'capstan.dev/pin.app': 'digest' },
      'pinned',
    ),
  })
  const tagIn = (file: string) => /app:([\w.-]+)"/.exec(bench.file(file))?.[1] ?? ''
  const pinned = { text: bench.file('pinned.yaml'), wrong: 0 }
  let downgrades = 0
  let before = { version: '1.0.0', time: 'main-0' }
  for (let n = 0; n < count; n++) {
    await push(random.pick(random.next() < 0.5 ? versions : times))
    const created = new Date(Date.UTC(2026, 0, 1, n)).toISOString()
    const digest = await pushImage(bench.host, `${bench.path}/pinned`, '1.0.0', { created })
    nowMs += weekMs
    await bench.scan(image)
    await bench.scan(`${bench.images}/pinned`)
    await bench.update()
    await bench.update()
    const text = bench.file('pinned.yaml')
    const commits = Number(bench.run('rev-list', '--count', 'origin/main', '--', 'pinned.yaml'))
    const isRight = text === pinned.text.replace(/:1\.0\.0(@sha256:[0-9a-f]{64})?"/, `:1.0.0@${digest}"`)
    if (!isRight || commits !== n + 2) pinned.wrong++
    const after = { version: tagIn('version.yaml'), time: tagIn('time.yaml') }
    if (after.version < before.version) downgrades++
    if ((createdOf.get(after.time) ?? 0) < (createdOf.get(before.time) ?? 0)) downgrades++
    before = after
  }
  return judge({ downgrades: [downgrades, 0], wronglyPinned: [pinned.wrong, 0] })
}
