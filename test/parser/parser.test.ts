import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { createParser } from '../../src/adapters/parser/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { parseFile } from '../../src/domain/manifest/parse-file.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { parseExactJson } from '../../src/lib/exact-json.ts'
import type { Run } from '../../src/lib/run.ts'
import { parseChildEntry } from '../../src/main/package.ts'
import { benchRepository } from '../bench/repository.ts'
import { silent } from '../sync/workbench.ts'
import { nested } from './nested.ts'

const run = createRun({ redact: (text) => text, setpriv: '/usr/bin/setpriv', prlimit: '/usr/bin/prlimit' })
const frailEntry = {
  ...parseChildEntry(),
  args: ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'frail-child-process.ts')],
}
const never = new AbortController().signal
const file = (path: string, text: string) => ({ path, bytes: new TextEncoder().encode(text) })
const configMap = (name: string, data = 'x') =>
  file(`${name}.yaml`, `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {a: ${data}}\n`)

type Setting = { entry?: typeof frailEntry; timeoutMs?: number; cutFirst?: boolean }

/**
 * A parser, the processes that it started and how often one of them ended early. Of the first one all answers may be lost. On a busy
 * machine a process may take longer than its files are allowed, so it gets more time here; that of the processor is limited as it is.
 */
function parser({ entry = parseChildEntry(), timeoutMs = 120_000, cutFirst = false }: Setting = {}) {
  const counts = { started: 0, lost: 0 }
  const log: Logger = { debug() {}, info() {}, warn: () => counts.lost++, error() {}, child: () => log }
  const counting: Run = async (request) => {
    const isCut = cutFirst && counts.started === 0
    counts.started++
    const result = await run({ ...request, timeoutMs })
    return isCut
      ? { ...result, ended: 'killed', stdout: result.stdout.slice(0, result.stdout.indexOf('\n') + 1) }
      : result
  }
  return { parse: createParser({ run: counting, entry, log }), counts }
}

const namesOf = (parsed: Awaited<ReturnType<ReturnType<typeof createParser>>>) =>
  parsed.map(({ objects, problems }) => objects[0]?.head.metadata.name ?? problems[0]?.message.slice(0, 40))
const beyondLimits = 'the file could not be read within the li'

describe('a process that parses', () => {
  it('finds the very same as parsing here, in order, with two of them for more than a little', async () => {
    const files = [...benchRepository('bench', 600, 5).files].map(([path, text]) => file(path, text))
    const { parse, counts } = parser()
    expect(await parse(files, never)).toEqual(files.map(parseFile))
    expect(counts).toEqual({ started: 2, lost: 0 })
  })

  it('keeps integers that a double cannot hold', async () => {
    const text =
      'apiVersion: v1\nkind: Big\nmetadata: {name: a}\nmost: 18446744073709551615\nleast: -9007199254740993\n'
    const [parsed] = await parser().parse([file('a', text)], never)
    expect(parseExactJson(parsed?.objects[0]?.body ?? '')).toMatchObject({
      most: 18446744073709551615n,
      least: -9007199254740993n,
    })
  })

  it('that was ended since memory was short blames no file, and is asked for again later', async () => {
    const ended: Run = async (request) => ({ ...(await run(request)), ended: 'outOfMemory', stderr: 'node was ended' })
    const parse = createParser({ run: ended, entry: parseChildEntry(), log: silent })
    await expect(parse([configMap('a')], never)).rejects.toMatchObject({ reason: 'MemoryShort', retry: 'backoff' })
  })

  it('is not started for no files, nor for one of 100 MB, which is refused unread', async () => {
    const { parse, counts } = parser()
    expect(await parse([], never)).toEqual([])
    const bytes = new Uint8Array(100 * 1024 * 1024)
    const [large] = await parse([{ path: 'large.yaml', bytes }], never)
    expect(large?.problems).toMatchObject([{ file: 'large.yaml', message: 'the file is larger than 5 MB' }])
    expect(counts.started).toBe(0)
    const large2 = { path: 'b', bytes: new Uint8Array(6 * 1024 * 1024) }
    expect(namesOf(await parse([configMap('a'), large2, configMap('c')], never))).toEqual([
      'a',
      'the file is larger than 5 MB',
      'c',
    ])
  })

  it('ends when the signal says so, and the reason is thrown', async () => {
    const { parse, counts } = parser({ entry: frailEntry })
    const controller = new AbortController()
    const reason = new Error('enough')
    const pending = parse([file('endless', '')], controller.signal)
    await until('a process reads', async () => counts.started === 1)
    controller.abort(reason)
    await expect(pending).rejects.toBe(reason)
    await expect(parse([configMap('a')], controller.signal)).rejects.toBe(reason)
    expect(counts.started).toBe(1)
  })
})

describe('a process that dies', () => {
  it.each([
    ['by SIGKILL', 'kill'],
    ['in the middle of an answer', 'half'],
    ['because it takes too much memory', 'heap'],
    ['because it says too much', 'output'],
    ['because it takes too long', 'endless'],
  ])('%s costs the file that it was at and no other', async (_fact, culprit) => {
    // Node must have started by then; and less than the 11 s of the processor
    const timing = culprit === 'endless' ? { timeoutMs: 10_000 } : {}
    const { parse, counts } = parser({ entry: frailEntry, ...timing })
    const files = [configMap('a'), configMap('b'), file(culprit, ''), configMap('c'), configMap('d')]
    const parsed = await parse(files, never)
    expect(namesOf(parsed)).toEqual(['a', 'b', beyondLimits, 'c', 'd'])
    expect(parsed[2]?.problems).toMatchObject([{ reason: 'InvalidYAML', file: culprit, line: 0 }])
    // the whole, the culprit by itself, the rest
    expect(counts).toEqual({ started: 3, lost: 2 })
  })

  it('by somebody else’s hand costs nothing', async () => {
    const { parse, counts } = parser({ cutFirst: true })
    expect(namesOf(await parse([configMap('a'), configMap('b')], never))).toEqual(['a', 'b'])
    expect(counts).toEqual({ started: 3, lost: 1 })
  })

  it('before it has read anything blames no file: InternalError at the second time', async () => {
    const { parse, counts } = parser({ entry: { ...frailEntry, args: ['-e', 'process.exit(1)'] } })
    await expect(parse([configMap('a')], never)).rejects.toMatchObject({ reason: 'InternalError' })
    expect(counts.started).toBe(2)
  })
})

describe('several who ask at once, as the sources of one repository do', () => {
  const many = 20
  const names = Array.from({ length: many }, (_, n) => `of-${n}`)

  it('share the processes, and each gets what is his', async () => {
    const { parse, counts } = parser()
    const answers = await Promise.all(names.map(async (name) => await parse([configMap(name), configMap('b')], never)))
    expect(answers.map(namesOf)).toEqual(names.map((name) => [name, 'b']))
    // no more than two who come first, and all others together
    expect(counts.started).toBeLessThanOrEqual(3)
  })

  it('do not pay for the file of one of them, nor for who does not want his any more', async () => {
    const { parse, counts } = parser({ entry: frailEntry })
    const stop = new AbortController()
    const busy = [parse([configMap('first')], never), parse([configMap('second')], never)]
    const others = names.map(async (name) => await parse([configMap(name)], never))
    const harmed = parse([configMap('before'), file('kill', ''), configMap('after')], never)
    const stopped = parse([configMap('stopped')], stop.signal)
    const last = parse([configMap('last')], never)
    stop.abort(new Error('enough'))
    await expect(stopped).rejects.toThrow('enough')
    expect(namesOf(await harmed)).toEqual(['before', beyondLimits, 'after'])
    expect((await Promise.all([...busy, ...others, last])).flatMap(namesOf)).toEqual([
      'first',
      'second',
      ...names,
      'last',
    ])
    // two, all others, then the three of who has the culprit and the one who stood behind him
    expect(counts.started).toBeLessThanOrEqual(7)
  })
})

describe('poisoned files (hazard G1)', () => {
  it('end neither this process nor, thanks to the scan before, the one that parses', async () => {
    const depths = [10, 64, 100, 1_000, 5_000, 12_000, 100_000]
    const files = Object.entries(nested).flatMap(([name, make]) =>
      depths.flatMap((depth) => [
        file(`${name} ${depth}`, make(depth)),
        file(`${name} ${depth} twice`, `${make(depth / 5)}\n---\n${make(depth)}`),
        file(`${name} ${depth} inside`, `apiVersion: v1\nkind: A\nmetadata: {name: a}\nx:\n${make(depth)}`),
      ]),
    )
    const { parse, counts } = parser()
    const parsed = await parse([...files, configMap('last')], never)
    expect(parsed).toHaveLength(files.length + 1)
    expect(parsed.at(-1)?.objects).toHaveLength(1)
    for (const [index, { path }] of files.entries())
      if (/ (1000|5000|12000|100000)\b/.test(path)) expect(parsed[index]?.problems, path).not.toEqual([])
    expect(counts.lost).toBe(0)
  })

  it('end the parsing process alone where the scan lets them through', async () => {
    const shapes = ['open flow sequences', 'open flow mappings']
    const files = shapes.map((name) =>
      file(`unguarded ${name}`, `${nested[name]?.(1_000)}\n---\n${nested[name]?.(5_000)}`),
    )
    const { parse } = parser({ entry: frailEntry })
    const parsed = await parse([...files, configMap('last')], never)
    expect(parsed.slice(0, -1).every(({ problems }) => problems.length > 0)).toBe(true)
    expect(parsed.at(-1)?.objects).toHaveLength(1)
  })
})
