import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Registry, startRegistry } from '../../playground/stack/registry.ts'
import { until } from '../../playground/stack/until.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { createRepository } from '../e2e/repository.ts'
import { countRequests, type Requests, requestsSince } from '../registry/count-requests.ts'
import { pushImage } from '../registry/push-image.ts'

type Scan = Requests & { seconds: number }
export type ImagesRound = { first: Scan; second: Scan; restarted: Scan }

/** Tags that go by the time of their image; the others are versions. */
const timedTags = 10
const limitMs = 300_000

/**
 * So many repositories with so many tags each on a registry of its own; half of their workloads choose by version, half the newest of ten
 * tags. Three scans of all of them, each from the moment that the process is ready: by a new process, once more by the same, and by one
 * that was killed and started again. Fluxd's limits of requests hold.
 */
export async function measureImages(repositories: number, tags: number): Promise<ImagesRound> {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-bench-images-'))
  const registry = await startRegistry({ binary: 'docker-registry', directory, metrics: true })
  const repository = await createRepository()
  const names = Array.from({ length: repositories }, (_, n) => `bench/app-${n}`)
  try {
    for (const [n, name] of names.entries()) await fill({ registry, directory, name, tags }, n)
    const manifests = names.map((name, n) => [`apps/${n}.yaml`, workload(`${registry.host}/${name}`, n)] as const)
    await repository.push(Object.fromEntries(manifests))
    const flags = [
      '--git-branch=main',
      `--git-url=${repository.url}`,
      '--git-poll-interval=1h',
      '--automation-interval=1h',
      '--enable=images',
      `--registry-insecure-host=${registry.host}`,
      `--registry-include-image=${registry.host}/*`,
    ]
    const before = await countRequests(registry)
    const capstan = await startCapstan(flags)
    const ready = performance.now()
    try {
      const scanAll = async (since: Requests, from: number) => await scan({ capstan, registry, names, since, from })
      const first = await scanAll(before, ready)
      const second = await scanAll(await countRequests(registry), performance.now())
      await capstan.kill('SIGKILL')
      const afterKill = await countRequests(registry)
      await capstan.start()
      return { first, second, restarted: await scanAll(afterKill, performance.now()) }
    } finally {
      await capstan.stop()
    }
  } finally {
    await repository.stop()
    await registry.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The timed images as a client pushes them; the versions, which are one image, as the registry would have written them. */
async function fill(
  { registry, directory, name, tags }: { registry: Registry; directory: string; name: string; tags: number },
  n: number,
): Promise<void> {
  let digest = ''
  for (let tag = 0; tag < timedTags; tag++) {
    const created = new Date(Date.UTC(2026, 0, 1, n, tag)).toISOString()
    digest = await pushImage(registry.host, name, `main-${tag}`, { created })
  }
  const folder = join(directory, 'registry/docker/registry/v2/repositories', name, '_manifests/tags')
  for (let patch = 0; patch < tags - timedTags; patch++) {
    const current = join(folder, `1.0.${patch}`, 'current')
    mkdirSync(current, { recursive: true })
    writeFileSync(join(current, 'link'), digest)
  }
}

/** What it runs is the newest already: nothing is to be committed. */
function workload(image: string, n: number): string {
  const [policy, tag] = n % 2 === 0 ? ['semver:~1.0', '1.0.0'] : ['glob:main-*', 'main-9']
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-${n}
  namespace: default
  annotations:
    fluxcd.io/automated: "true"
    fluxcd.io/locked: "true"
    fluxcd.io/tag.app: ${policy}
spec:
  template:
    spec:
      containers:
        - name: app
          image: ${image}:${tag}
`
}

export type BurstRound = { seconds: number; commits: number }

/**
 * So many workloads in one repository, each with an image of its own, and a new tag of each of them: from the registry's notifications to
 * the last workload's tag in git, and how many commits that took.
 */
export async function measureBurst(count: number): Promise<BurstRound> {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-bench-burst-'))
  const registry = await startRegistry({ binary: 'docker-registry', directory, metrics: true })
  const repository = await createRepository()
  const names = Array.from({ length: count }, (_, n) => `burst/app-${n}`)
  const push = async (tag: string) => {
    for (const name of names) await pushImage(registry.host, name, tag, { created: '2026-01-01T00:00:00Z' })
  }
  try {
    await push('1.0.0')
    const files = names.map((name, n) => [
      `apps/${n}.yaml`,
      workload(`${registry.host}/${name}`, 2 * n).replace(/.*locked.*\n/, ''),
    ])
    const before = await repository.push(Object.fromEntries(files) as Record<string, string>)
    const capstan = await startCapstan([
      '--git-branch=main',
      `--git-url=${repository.url}`,
      '--git-poll-interval=1h',
      '--enable=images',
      `--registry-insecure-host=${registry.host}`,
      `--registry-include-image=${registry.host}/*`,
    ])
    try {
      const scanAll = async () =>
        await scan({ capstan, registry, names, since: await countRequests(registry), from: performance.now() })
      await scanAll()
      await push('1.0.1')
      const begun = performance.now()
      await scanAll()
      await until(
        'all are in git',
        async () => {
          await repository.git('fetch', '-q', 'origin', 'main')
          return (await repository.git('grep', '-l', ':1.0.1', 'origin/main')).split('\n').length === count
        },
        { timeoutMs: limitMs, logFile: capstan.logFile },
      )
      const seconds = (performance.now() - begun) / 1000
      return { seconds, commits: Number(await repository.git('rev-list', '--count', `${before}..origin/main`)) }
    } finally {
      await capstan.stop()
    }
  } finally {
    await repository.stop()
    await registry.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

type All = { capstan: Capstan; registry: Registry; names: readonly string[]; since: Requests; from: number }

/** Asks for all as the registry's notifications would, and waits for the last. */
async function scan({ capstan, registry, names, since, from }: All): Promise<Scan> {
  const events = names.map((name) => ({
    action: 'push',
    target: { repository: name },
    request: { host: registry.host },
  }))
  const answer = await fetch(`${capstan.url}/api/v1/images/notify`, {
    method: 'POST',
    headers: { authorization: `Bearer ${capstan.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  })
  const { jobIds } = (await answer.json()) as { jobIds: string[] }
  const open = new Set(jobIds)
  await until(
    'all repositories are scanned',
    async () => {
      for (const id of open) {
        const job = await capstan.api<{ state: string }>(`/api/v1/jobs/${encodeURIComponent(id)}`)
        if (job.state !== 'completed') return false
        open.delete(id)
      }
      return true
    },
    { everyMs: 20, timeoutMs: limitMs, logFile: capstan.logFile },
  )
  const seconds = (performance.now() - from) / 1000
  return { seconds, ...requestsSince(since, await countRequests(registry)) }
}
