import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRegistry, type Registry as RegistryProcess } from '../../playground/stack/registry.ts'
import { createRegistry } from '../../src/adapters/registry/index.ts'
import { createStore } from '../../src/adapters/store/index.ts'
import { describedKey } from '../../src/domain/image/facts.ts'
import { readRepository } from '../../src/jobs/scan-image/repository.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { startRedis, type TestRedis } from '../e2e/redis.ts'
import { countRequests, requestsSince } from './count-requests.ts'
import { pushImage } from './push-image.ts'

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
const images = 12
let directory: string
let server: RegistryProcess
let redis: TestRedis

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'capstan-registry-'))
  redis = await startRedis()
  server = await startRegistry({ binary: 'docker-registry', directory, metrics: true })
  for (let n = 0; n < images; n++) {
    await pushImage(server.host, 'kept/app', `main-${n}`, { created: new Date(Date.UTC(2026, 0, n + 1)).toISOString() })
    await pushImage(server.host, 'kept/app', `other-${n}`, { created: '2026-01-01T00:00:00Z', labels: { n: `${n}` } })
  }
  // the same image under another name
  await pushImage(server.host, 'kept/app', 'main-latest', { created: new Date(Date.UTC(2026, 0, 1)).toISOString() })
})
afterAll(async () => {
  await redis.stop()
  await server.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** One scan by a process that remembers nothing, and what it cost the registry. */
async function scan() {
  const store = createStore({ redisUrl: redis.url, log: silent })
  const registry = createRegistry({ log: silent, memory: store })
  const before = await countRequests(server)
  const read = {
    repository: `${server.host}/kept/app`,
    scope: '',
    accesses: [{ insecure: true }],
    needed: (tags: readonly string[]) => tags.filter((tag) => tag.startsWith('main-')),
    from: 'registry' as const,
  }
  const deps = { registry, store, now: () => new Date(), usesLabels: () => false, logins: { refused() {} } }
  const found = await readRepository(read, deps, new AbortController().signal)
  const after = await countRequests(server)
  await registry.close()
  await store.close()
  const cost = requestsSince(before, after)
  return { found, cost }
}

describe('what was read from a registry', () => {
  it('is kept over restarts: of the images whose tags are wanted, each is read once', async () => {
    const first = await scan()
    expect(first.cost).toEqual({ tags: 1, manifest: images + 1, blob: images })
    expect(first.found.tags).toHaveLength(2 * images + 1)
    expect(first.found.described.get('main-3')?.created).toBe(Date.UTC(2026, 0, 4))

    const second = await scan()
    expect(second.cost).toEqual({ tags: 1, manifest: 0, blob: 0 })
    expect(second.found.described).toEqual(first.found.described)
  })

  it('by digest is kept for ever: where only the tags were forgotten, no image is read', async () => {
    const store = createStore({ redisUrl: redis.url, log: silent })
    await store.delete(describedKey(`${server.host}/kept/app`))
    await store.close()
    const again = await scan()
    expect(again.cost).toEqual({ tags: 1, manifest: images + 1, blob: 0 })
    expect(again.found.described.get('main-3')?.created).toBe(Date.UTC(2026, 0, 4))
  })
})
