import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { createLimitedChildren, createRun, type MemoryWatch, watchMemory } from '../../src/adapters/process/index.ts'
import type { JobPayload } from '../../src/domain/work/job.ts'
import { whenRoomy } from '../../src/main/keep-memory.ts'
import { silent } from '../sync/workbench.ts'

const mebibyte = 1024 ** 2
const limitBytes = 1000 * mebibyte
const enough = { heldBytes: 899 * mebibyte, limitBytes }
const short = { heldBytes: 900 * mebibyte, limitBytes }
const words = "900 MiB of the container's 1000 MiB are held"
const { signal } = new AbortController()

let use = enough
let folder: string
let watch: MemoryWatch
let limited: ReturnType<typeof createLimitedChildren>
let whatLasts: string[]
let stopChildren: AbortController

function begin(lastingMs = 600_000): void {
  const onLasting = (why: string) => void whatLasts.push(why)
  watch = watchMemory({ look: () => use, children: limited, onLasting, log: silent, everyMs: 10, lastingMs })
}

beforeEach(() => {
  use = enough
  whatLasts = []
  folder = mkdtempSync(join(tmpdir(), 'capstan-memory-'))
  limited = createLimitedChildren()
  stopChildren = new AbortController()
})

afterEach(() => {
  watch.stop()
  stopChildren.abort()
  rmSync(folder, { recursive: true })
})

const shortage = async () => await watch.shortage(0, signal)

/** A Node that holds so much once this resolves; `result` is its end. */
async function holding(megabytes: number, options: { isLimited: boolean } = { isLimited: true }) {
  const run = createRun({ redact: (text) => text, limited })
  const file = join(folder, `holds-${megabytes}`)
  const script = `held = Buffer.alloc(${megabytes * mebibyte}, 1); fs.writeFileSync(process.argv[1], ''); setInterval(() => held, 1e6)`
  const result = run({
    command: process.execPath,
    args: ['-e', script, file],
    env: {},
    timeoutMs: 120_000,
    signal: stopChildren.signal,
    ...(options.isLimited ? { limits: { dataBytes: 1024 * mebibyte, cpuSeconds: 60 } } : {}),
  })
  await until('the child holds its memory', async () => existsSync(file))
  return { result }
}

describe('children, when memory is short', () => {
  it('the one that holds most is ended, and says why; the others go on', async () => {
    begin()
    const [small, large, unlimited] = await Promise.all([holding(10), holding(200), holding(300, { isLimited: false })])
    use = short
    void large.result.then(() => {
      use = enough
    })
    const { ended, stderr } = await large.result
    expect(ended).toBe('outOfMemory')
    expect(stderr).toMatch(new RegExp(`^node was ended, since ${words}, (2\\d\\d|3\\d\\d) MiB of it by node$`))
    await until('there is enough', async () => (await shortage()) === undefined)
    stopChildren.abort()
    expect((await small.result).ended).toBe('aborted')
    expect((await unlimited.result).ended).toBe('aborted')
  })

  it('go one by one while it stays so, and those without limits never', async () => {
    begin()
    const [first, second, unlimited] = await Promise.all([holding(10), holding(200), holding(1, { isLimited: false })])
    use = short
    expect((await second.result).ended).toBe('outOfMemory')
    expect((await first.result).ended).toBe('outOfMemory')
    stopChildren.abort()
    expect((await unlimited.result).ended).toBe('aborted')
  })
})

describe('work, when memory is short', () => {
  const payload: JobPayload = { kind: 'resync', namespace: 'a', name: 'sources', reason: 'periodic', requestedAt: '' }
  const job = async () => ({ end: 'done' as const, summary: 'all' })
  const work = async () => await whenRoomy(job, watch)(payload, { jobId: 'a', signal })

  it('is not begun but goes back into the line, and is begun when there is some', async () => {
    begin()
    expect(await work()).toEqual({ end: 'done', summary: 'all' })
    use = short
    await until('memory is short', shortage)
    expect(await work()).toEqual({ end: 'again', afterMs: 2000, why: words })
    use = enough
    await until('there is enough', async () => (await shortage()) === undefined)
    expect(await work()).toEqual({ end: 'done', summary: 'all' })
  })

  it('waits a moment for it', async () => {
    begin()
    use = short
    await until('memory is short', shortage)
    const waited = watch.shortage(600_000, signal)
    use = enough
    expect(await waited).toBeUndefined()
  })

  it('is told at once when it is to stop', async () => {
    begin()
    use = short
    await until('memory is short', shortage)
    expect(await watch.shortage(600_000, AbortSignal.abort())).toBe(words)
  })
})

describe('memory that stays short', () => {
  it('is told once', async () => {
    begin(50)
    use = short
    await until('it is told', async () => whatLasts.length > 0)
    expect(whatLasts).toEqual([words])
  })

  it('is not told of where it was enough in between', async () => {
    begin()
    use = short
    await until('memory is short', shortage)
    use = enough
    await until('there is enough', async () => (await shortage()) === undefined)
    expect(whatLasts).toEqual([])
  })
})
