import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseManifests } from '../../../src/domain/manifest/parse.ts'
import { until } from '../../../playground/stack/until.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import type { Random } from '../random.ts'
import type { World } from '../world.ts'

type Parsed = { ms: number; processorMs: number; mebibytes: number; objects: number; problem: string }

/** A process that parses one text after the other, and is replaced when it dies of one. */
type Parser = { parse(text: string, repeat?: number): Promise<Parsed | undefined>; exits(): number }

function startParser(world: World): Parser {
  let child: ChildProcess | undefined
  let exits = 0
  world.atEnd(async () => void child?.kill('SIGKILL'))
  return {
    exits: () => exits,
    async parse(text, repeat = 1) {
      const running = child ?? fork(fileURLToPath(new URL('../parse-process.ts', import.meta.url)), { stdio: 'ignore' })
      child = running
      const answer = await new Promise<Parsed | undefined>((resolve) => {
        const died = () => resolve(undefined)
        running.once('exit', died)
        running.once('message', (message) => {
          running.off('exit', died)
          resolve(message as Parsed)
        })
        running.send({ text, repeat })
      })
      if (answer) return answer
      exits += 1
      child = undefined
      return undefined
    },
  }
}

const object = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n'

const nestings: readonly ((depth: number) => string)[] = [
  (depth) => '['.repeat(depth),
  (depth) => '['.repeat(depth) + ']'.repeat(depth),
  (depth) => '{a: '.repeat(depth),
  (depth) => '{a: '.repeat(depth) + 'b' + '}'.repeat(depth),
  (depth) => '- '.repeat(depth) + 'a',
  (depth) => '? '.repeat(depth) + 'a',
  (depth) => Array.from({ length: Math.min(depth, 2000) }, (_, n) => `${' '.repeat(n)}a:`).join('\n'),
  (depth) => Array.from({ length: Math.min(depth, 2000) }, (_, n) => `${' '.repeat(n)}- a:`).join('\n'),
]

export const g1: Hazard = {
  id: 'G1',
  promise: 'deep nesting of every shape, one long-lived process: 0 exits of 2,000 documents, each refused',
  trials: scaled(20),
  run: deep,
}

async function deep({ world, random }: Trial): Promise<TrialResult> {
  const parser = startParser(world)
  let [accepted, slowest] = [0, 0]
  for (let document = 0; document < 100; document++) {
    const depth = random.pick([100, 1000, 5000, 10_000, 100_000])
    const second = random.next() < 0.3 ? `\n---\n${random.pick(nestings)(random.pick([100, 1000, 5000]))}` : ''
    const parsed = await parser.parse(`${object}data:\n  deep: ${random.pick(nestings)(depth)}${second}\n`)
    if (parsed && parsed.problem === '') accepted += 1
    slowest = Math.max(slowest, parsed?.ms ?? 0)
  }
  return judge({ exits: [parser.exits(), 0], accepted: [accepted, 0], slowestMs: [Math.round(slowest), 10_000] })
}

const bombs: readonly ((random: Random) => string)[] = [
  // nine of nine of nine …
  (random) => bomb('[', ']', random.between(9, 30), 10),
  (random) => bomb('[', ']', random.between(20, 60), 2),
  () => `a: &a [*a]\n`,
  () => 'a: &a {b: *a}\n',
  () => 'a: &a {<<: *a, b: c}\n',
  (random) => `a: &a {x: 1}\nb: [${'*a, '.repeat(random.between(500, 2000))}*a]\n`,
  (random) => `${merges(random.between(10, 30))}\n`,
  (random) => `a: &a ${'x'.repeat(20_000)}\nb: [${'*a, '.repeat(random.between(500, 2000))}*a]\n`,
  () => 'a: [*nobody]\n',
  (random) => Array.from({ length: random.between(500, 1500) }, (_, n) => `k${n}: &a${n} v`).join('\n'),
]

function bomb(open: string, close: string, levels: number, width: number): string {
  const lines = [`a0: &a0 ${open}x${close}`]
  for (let n = 1; n < levels; n++)
    lines.push(
      `a${n}: &a${n} ${open}${Array(width)
        .fill(`*a${n - 1}`)
        .join(', ')}${close}`,
    )
  return lines.join('\n')
}

function merges(levels: number): string {
  const lines = ['m0: &m0 {k: v}']
  for (let n = 1; n < levels; n++) lines.push(`m${n}: &m${n} {<<: [*m${n - 1}, *m${n - 1}], k${n}: v}`)
  return lines.join('\n')
}

export const g2: Hazard = {
  id: 'G2',
  promise:
    'alias bombs and cycles of ten families: answered within 100 ms of processor time each, 0 exits, RSS + ≤ 50 MB over all',
  trials: scaled(20),
  alone: true,
  run: explode,
}

async function explode({ world, random }: Trial): Promise<TrialResult> {
  const parser = startParser(world)
  await parser.parse(`${object}data: {a: b}\n`)
  await parser.parse(`${object}${bomb('[', ']', 5, 3)}\n`)
  let [slowest, grown] = [0, 0]
  for (const make of bombs) {
    const parsed = await parser.parse(`${object}${make(random)}`)
    slowest = Math.max(slowest, parsed?.processorMs ?? 0)
    grown += Math.max(0, parsed?.mebibytes ?? 0)
  }
  return judge({
    exits: [parser.exits(), 0],
    slowestMs: [Math.round(slowest), 100],
    grownMebibytes: [Math.round(grown), 50],
  })
}

export const g3: Hazard = {
  id: 'G3',
  promise: '100 MB in one file, 100,000 documents: refused with the name of the file ≤ 50 ms, 0 exits',
  trials: scaled(10),
  alone: true,
  run: tooLarge,
}

async function tooLarge({ world }: Trial): Promise<TrialResult> {
  const parser = startParser(world)
  await parser.parse(object)
  const large = await parser.parse(`${object}---\n`, Math.ceil(100e6 / (object.length + 4)))
  const many = await parser.parse('---\na: b\n', 100_000)
  return judge({
    exits: [parser.exits(), 0],
    largeMs: [Math.round(large?.ms ?? 1e9), 50],
    manyMs: [Math.round(many?.ms ?? 1e9), 1000],
    accepted: [(large?.objects ?? 0) + (many?.objects ?? 0), 0],
    notSaid: [[large, many].filter((one) => !one?.problem).length, 0],
  })
}

export const g4: Hazard = {
  id: 'G4',
  promise:
    'a key given twice is said with its line (read as kubectl does); an object given twice is an error that names both files and lines, the others are applied',
  trials: scaled(10),
  run: twice,
}

async function twice({ world, random }: Trial): Promise<TrialResult> {
  let unsaid = 0
  for (let n = 0; n < 10; n++) {
    const [before, between] = [random.between(0, 20), random.between(0, 20)]
    const filler = (name: string, count: number) =>
      Array.from({ length: count }, (_, at) => `  ${name}${at}: x\n`).join('')
    const text = `${object}data:\n${filler('a', before)}  twin: one\n${filler('b', between)}  twin: two\n`
    const { warnings, problems } = parseManifests({ file: 'a.yaml', text })
    const line = 4 + before + 1 + between + 1
    if (![...warnings, ...problems].some((said) => said.line === line)) unsaid += 1
  }
  const stage = await world.stage()
  const objects = stage.objects(40, 'one')
  const twins = objects.filter(({ kind }) => kind === 'ConfigMap').slice(0, 10)
  const copies = Object.fromEntries(
    twins.map((twin, n) => [`twins/${n}.yaml`, JSON.stringify({ ...twin, data: { value: 'other' } })]),
  )
  const commit = await stage.push(objects, copies)
  stage.capstan.start()
  await until('the commit was tried', async () => (await stage.source())?.attempted === `main@${commit}`)
  const failed = (await stage.source())?.failed.filter(({ reason }) => reason === 'DuplicateObject') ?? []
  const unnamed = twins.filter(
    (_, n) =>
      !failed.some(
        ({ file, line, message }) =>
          /:\d+/.test(message) &&
          line > 0 &&
          `${file} ${message}`.includes(`twins/${n}.yaml`) &&
          /apps\/\d+\.yaml/.test(`${file} ${message}`),
      ),
  )
  const others = objects.filter((one) => !twins.includes(one))
  const { missing, different } = await stage.differences(others)
  return judge(
    { unsaidKeys: [unsaid, 0], unnamedTwins: [unnamed.length, 0], notApplied: [missing.length + different.length, 0] },
    JSON.stringify(failed[0] ?? 'no DuplicateObject'),
  )
}
