import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseManifests } from '../../../src/domain/manifest/parse.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import type { Stack } from '../../stack/stack.ts'
import type { Random } from '../random.ts'

const run = promisify(execFile)
/** Documents of one trial; the table of hazards wants 5,000 in all. */
const documents = 100

export const g6: Hazard = {
  id: 'G6',
  promise: 'YAML 1.1 documents are read as kubectl reads them: 0 differences in 5,000',
  trials: scaled(50),
  run: (trial) => likeKubectl(trial, documents),
}

type Kubectl = { value: string } | { error: string }

/** One kubectl call reads them all; where it refuses one of them, each by itself. */
export async function likeKubectl({ world, random }: Trial, count: number): Promise<TrialResult> {
  const texts = Array.from({ length: count }, (_, n) => makeDocument(random, n))
  const theirs = await readAll(texts, world.stack, world.directory)
  const differences = texts.flatMap((text, n) => difference(text, ours(text), theirs[n] ?? { error: 'no answer' }))
  const refused = theirs.filter((one) => 'error' in one).length
  return {
    ...judge({ differences: [differences.length, 0] }, differences.slice(0, 3).join('\n')),
    measured: { documents: count, refusedByBoth: refused, differences: differences.length },
  }
}

function ours(text: string): Kubectl {
  const { objects, problems } = parseManifests({ file: 'a.yaml', text })
  if (problems[0]) return { error: problems[0].message }
  return { value: canonical(objects[0]?.object) }
}

function difference(text: string, mine: Kubectl, other: Kubectl): string[] {
  if ('error' in mine && 'error' in other) return []
  if ('value' in mine && 'value' in other && mine.value === other.value) return []
  return [`${JSON.stringify(text)}\n  we: ${JSON.stringify(mine)}\n  kubectl: ${JSON.stringify(other)}`]
}

async function readAll(texts: readonly string[], stack: Stack, directory: string): Promise<Kubectl[]> {
  // one more empty line would belong to a text that ends with `|+`
  const ended = texts.map((text) => (text.endsWith('\n') ? text : `${text}\n`))
  const together = await readOne(ended.join('---\n'), stack, directory)
  if ('items' in together && together.items.length === texts.length)
    return together.items.map((value) => ({ value: canonical(value) }))
  if (texts.length === 1) return [{ error: 'error' in together ? together.error : 'several objects' }]
  const middle = Math.floor(texts.length / 2)
  return [
    ...(await readAll(texts.slice(0, middle), stack, directory)),
    ...(await readAll(texts.slice(middle), stack, directory)),
  ]
}

let files = 0
/** kubectl asks a server for its kinds all the same; that it was not answered says nothing about the text. */
const isTrouble =
  /Unable to connect to the server|was refused - did you specify|connection re(?:fused|set)|i\/o timeout|TLS handshake timeout|deadline exceeded|Client\.Timeout|": EOF$/im

/** What kubectl makes of a text, without asking any server what it thinks of it. */
async function readOne(
  text: string,
  { kubectl, kubeconfig }: Stack,
  directory: string,
): Promise<{ items: unknown[] } | { error: string }> {
  const file = join(directory, `${files++}.yaml`)
  writeFileSync(file, text)
  const args = ['create', '--dry-run=client', '--validate=false', '-o', 'json', '-f', file]
  for (let tries = 1; ; tries++) {
    try {
      const { stdout } = await run(kubectl, args, {
        env: { ...process.env, KUBECONFIG: kubeconfig },
        maxBuffer: 64 * 1024 * 1024,
      })
      return { items: readStream(stdout) }
    } catch (error) {
      const told = (error as { stderr?: string }).stderr ?? String(error)
      if (tries >= 5 || !isTrouble.test(told)) return { error: told }
    }
  }
}

/** kubectl prints a List, or one object after the other. Numbers stay as they are written. */
function readStream(text: string): unknown[] {
  return text
    .split(/^(?=\{$)/m)
    .filter((part) => part.trim() !== '')
    .flatMap((part) => {
      const value = JSON.parse(part, exact) as { kind?: string; items?: unknown[] }
      return value.kind === 'List' && value.items ? value.items : [value]
    })
}

/** Integers that a double does not hold are kept as text with a mark. */
function exact(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || !context?.source || !/^-?\d+$/.test(context.source)) return value
  return Number.isSafeInteger(value) ? value : BigInt(context.source)
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    // what no int64 holds is a float for kubectl and for the API server
    if (typeof item === 'bigint') return BigInt.asIntN(64, item) === item ? `integer ${item}` : Number(item)
    if (item === null || typeof item !== 'object' || Array.isArray(item)) return item
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** Where 1.1 and 1.2 part, and what people write. */
const scalars = [
  'yes',
  'No',
  'on',
  'OFF',
  'y',
  'N',
  'true',
  'True',
  'TRUE',
  'tRue',
  '~',
  'null',
  'Null',
  'nUll',
  '',
  '0777',
  '0o777',
  '0x1F',
  '0b101',
  '1_000',
  '+12',
  '-0',
  '08',
  '09',
  '0',
  '00',
  '1e3',
  '1E3',
  '1.5',
  '.5',
  '-.5',
  '1.',
  '1e',
  '.inf',
  '-.Inf',
  '.NaN',
  '12345678901234567890',
  '9007199254740993',
  '-9223372036854775808',
  '18446744073709551615',
  '190:20:30',
  '1:30',
  '12:30:45',
  '2001-12-14',
  '2001-12-14t21:59:43.10-05:00',
  '1.0.0',
  '1.10',
  '0.0',
  '=',
  '<<',
  '"no"',
  "'0777'",
  '"\\u0041"',
  "'it''s'",
  '"a\\tb"',
  '!!str 12',
  '!!str yes',
  '!!int "12"',
  '!!bool "yes"',
  '!!float 1',
  'a b',
  'a: b',
  'a #b',
  'a#b',
  '- a',
  '@a',
  '`a`',
  '%a',
  '&a x',
  '!tag x',
  '|',
  '>',
  '|\n    one\n    two\n',
  '>-\n    one\n    two\n',
  '|+\n    one\n\n',
  '[yes, 010, a]',
  '{a: on, b: 0x10}',
  '[]',
  '{}',
  '[a, [b, {c: no}]]',
  '!!binary aGk=',
  '!!set {a, b}',
  '? a',
  '"\\x41"',
  '1__0',
  '0x',
  '0b',
  '0b2',
  '-0x1F',
  '+.5',
  '1e+3',
  '1_0.5',
] as const

const keys = [
  'a',
  'yes',
  '12',
  '0x10',
  '~',
  'on',
  '1.5',
  '"no"',
  'null',
  'true',
  'key with space',
  '<<',
  '.5',
  '2001-12-14',
] as const

/** One object; every document has a kind and a name, so that kubectl takes it. */
function makeDocument(random: Random, n: number): string {
  const lines = ['apiVersion: v1', 'kind: Pod', 'metadata:', `  name: thing-${n}`, '  namespace: default']
  lines.push('spec:')
  for (let field = 0; field < random.between(1, 4); field++) {
    const key = random.next() < 0.7 ? `f${field}` : random.pick(keys)
    lines.push(`  ${key}: ${random.pick(scalars)}`)
  }
  if (random.next() < 0.2) lines.push('base: &base {one: yes, two: 010}', 'merged:', '  <<: *base', '  two: 2')
  if (random.next() < 0.1) lines.push('metadata2: &m', '  x: *m')
  if (random.next() < 0.1) lines.push('spec2: {a: 1, a: 2}')
  return lines.join('\n')
}
