import { rmSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import type { Event } from '../../src/domain/event/event.ts'
import { eventStream } from '../../src/domain/event/stored.ts'
import { fetchSource } from '../../src/jobs/fetch-source.ts'
import { createHistory } from '../../src/jobs/history.ts'
import { configMap } from '../sync/manifests.ts'
import { createWorkbench, silent, type Workbench } from '../sync/workbench.ts'

let bench: Workbench
afterEach(() => bench.close())

it('a repository that cannot be fetched is told once, and when it can be again', async () => {
  bench = await createWorkbench()
  const { spec, git, told, memory } = bench
  bench.push({ 'a.yaml': configMap('a', '1') })
  let url = spec.url
  const run = async (): Promise<unknown> =>
    await fetchSource(
      { kind: 'fetch-source', namespace: spec.namespace, name: spec.name, reason: 'periodic', requestedAt: '' },
      {
        sources: { list: () => [spec], get: () => spec, remote: async () => ({ url }) },
        git,
        readStatus: async () => undefined,
        store: told,
        enqueue: async () => ({ jobId: 'sync-source.1' }),
        memory,
        log: silent,
        now: () => new Date(),
        history: createHistory({ store: told, redact: (text) => text, log: silent })('a-job'),
      },
      new AbortController().signal,
    ).catch((error: unknown) => error)
  await run()
  url = `${spec.url}-elsewhere`
  rmSync(url, { recursive: true, force: true })
  const failures = [await run(), await run(), await run()] as { reason: string }[]
  const reason = failures[0]?.reason ?? ''
  expect(new Set(failures.map((failure) => failure.reason))).toEqual(new Set([reason]))
  url = spec.url
  await run()
  await run()
  const entries = await told.page(eventStream, { order: 'oldest', limit: 100 })
  const events = entries.map(({ entry }) => JSON.parse(entry.json ?? '') as Event)
  expect(events).toMatchObject([
    { type: 'error', severity: 'error', reason, metadata: { step: 'fetch' }, source: { name: spec.name } },
    { type: 'error', severity: 'info', reason: '', message: 'The repository is fetched again' },
  ])
  expect(reason).toMatch(/^Git/)
})
