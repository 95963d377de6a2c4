import type { ServerResponse } from 'node:http'
import { createRegistry, type Registry, type RegistryOptions } from '../../src/adapters/registry/index.ts'
import { readRepository, type RepositoryFound } from '../../src/jobs/scan-image/repository.ts'
import { quiet } from '../cluster/world.ts'
import { createFakeStore, type FakeStore } from '../fakes/store.ts'
import { type Answering, type FakeServer, json, type Seen, startServer } from '../registry/fake-registry.ts'
import { digestOf } from '../registry/push-image.ts'
import type { World } from './world.ts'

/** What a registry that is to be disturbed holds: one image for each tag, a minute younger than the one before. */
export type Content = { tags: readonly string[]; createdOf(tag: string): number; answerTo: Answering }

const epoch = Date.UTC(2026, 0, 1)

/** Answers as a registry does; paths below `/v2/<anything>/`. */
export function makeContent(count: number): Content {
  const tags = Array.from({ length: count }, (_, n) => `tag-${n}`)
  const createdOf = (tag: string) => epoch + Number(tag.slice(4)) * 60_000
  const blobs = new Map<string, string>()
  const manifests = new Map<string, string>()
  for (const tag of tags) {
    const config = JSON.stringify({ created: new Date(createdOf(tag)).toISOString(), os: 'linux' })
    const manifest = JSON.stringify({ schemaVersion: 2, config: { digest: digestOf(config) }, layers: [] })
    blobs.set(digestOf(config), config)
    manifests.set(tag, manifest)
  }
  const answerTo = ({ path, method }: Seen, answer: ServerResponse) => {
    const [, kind, name = ''] = /\/(manifests|blobs|tags)\/([^?]*)/.exec(path) ?? []
    if (kind === 'tags') return json(answer, 200, { name: 'app', tags })
    const text = kind === 'manifests' ? manifests.get(name) : blobs.get(name)
    if (text === undefined) return json(answer, 404, { errors: [{ code: 'MANIFEST_UNKNOWN' }] })
    answer.writeHead(200, { 'docker-content-digest': digestOf(text) })
    answer.end(method === 'HEAD' ? undefined : text)
  }
  return { tags, createdOf, answerTo }
}

/** A server that answers as the trial says; it speaks plain HTTP from the first request on. */
export async function startFaulty(world: World, answering: Answering): Promise<FakeServer> {
  const server = await startServer((seen, answer, host) =>
    seen.path === '/v2/' ? json(answer, 200, {}) : answering(seen, answer, host),
  )
  world.atEnd(() => server.close())
  return server
}

/** Without a limit of requests, which is another matter. */
export function openRegistry(world: World, options: Partial<RegistryOptions> = {}): Registry {
  const registry = createRegistry({ log: quiet, rps: 100_000, ...options })
  world.atEnd(() => registry.close())
  return registry
}

/** One scan of a repository, whose every image is wanted, as the job does it. */
export async function scan(
  repository: string,
  parts: { registry: Registry; store?: FakeStore; now?: () => number; auth?: { username: string; password: string } },
): Promise<RepositoryFound> {
  const { registry, store = createFakeStore(), now = Date.now, auth } = parts
  const read = {
    repository,
    scope: '',
    accesses: [{ insecure: true, ...(auth ? { auth } : {}) }],
    needed: (tags: readonly string[]) => tags,
    from: 'registry' as const,
  }
  const deps = { registry, store, now: () => new Date(now()), usesLabels: () => false, logins: { refused() {} } }
  return await readRepository(read, deps, new AbortController().signal)
}
