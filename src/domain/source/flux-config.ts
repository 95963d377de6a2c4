import { type Document, isMap, type Node, parseDocument } from 'yaml'
import { parseDuration } from '../../lib/duration.ts'
import { manifestYaml } from '../manifest/go-yaml.ts'
import { createLines } from '../manifest/lines.ts'
import type { Json } from '../manifest/object.ts'
import { isTooDeep } from '../manifest/prescan.ts'
import type { Problem } from '../manifest/problem.ts'
import { splitDocuments } from '../manifest/split.ts'
import { toJson } from '../manifest/to-json.ts'

/** One command of a `.flux.yaml`. `timeoutMs` is absent where none is given, and where it is below a second, which fluxd passed over. */
export type FluxCommand = { command: string; timeoutMs?: number }

/** What changes the files of a `commandUpdated` target; each is run by bash with FLUX_* variables only. */
export type FluxUpdater = { containerImage?: FluxCommand; policy?: FluxCommand }

/** What a `.flux.yaml` says about its target (flux-v1 §6). */
export type FluxConfig =
  | { kind: 'commandUpdated'; generators: FluxCommand[]; updaters: FluxUpdater[] }
  /** `patchFile` is relative to the target and need not exist. */
  | { kind: 'patchUpdated'; generators: FluxCommand[]; patchFile: string }
  /** The target is read as plain YAML, whatever a `.flux.yaml` above says. */
  | { kind: 'scanForFiles' }

type Fields = { [key: string]: Json }

/** Says where in the file something is wrong. */
class Refusal extends Error {
  readonly path: readonly (string | number)[]

  constructor(path: readonly (string | number)[], message: string) {
    super(message)
    this.path = path
  }
}

/**
 * Reads a `.flux.yaml`: version 1 and one of `commandUpdated`, `patchUpdated`, `scanForFiles`. As fluxd's schema: unknown keys are
 * refused inside them and inside commands, and tolerated beside the first two; `scanForFiles` beside one of these counts.
 */
export function parseFluxConfig(file: string, text: string): { config: FluxConfig } | { problem: Problem } {
  const lineAt = createLines(text)
  const refuse = (offset: number, message: string) => ({
    problem: { reason: 'InvalidYAML' as const, file, line: lineAt(offset), message },
  })
  const documents = splitDocuments(text)
  const [only] = documents
  if (!only) return refuse(0, 'the file is empty; it must hold version: 1 and what generates the manifests')
  if (documents[1]) return refuse(documents[1].offset, 'the file holds more than one document')
  if (isTooDeep(only.text)) return refuse(only.offset, 'nested too deeply')
  const document = parseDocument(only.text, manifestYaml) as Document.Parsed
  const [error] = document.errors
  if (error) return refuse(only.offset + error.pos[0], `not valid YAML: ${error.message.slice(0, 200)}`)
  const { value, refusals } = toJson(document)
  if (refusals[0]) return refuse(only.offset + refusals[0].offset, refusals[0].message)
  try {
    return { config: readConfig(value) }
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal
    return refuse(only.offset + offsetOf(document, refusal.path), refusal.message)
  }
}

function readConfig(value: Json): FluxConfig {
  const config = fieldsOf(value, [], 'the file')
  if (config.version !== 1) throw new Refusal(['version'], 'version must be 1')
  if (isThere(config.scanForFiles) || (config.scanForFiles === null && !isThere(generating(config))))
    return readScan(config)
  if (isThere(config.commandUpdated) && isThere(config.patchUpdated))
    throw new Refusal(['patchUpdated'], 'commandUpdated and patchUpdated exclude each other; keep one of them')
  if (isThere(config.commandUpdated)) return readCommandUpdated(config.commandUpdated)
  if (isThere(config.patchUpdated)) return readPatchUpdated(config.patchUpdated)
  throw new Refusal([], 'one of commandUpdated, patchUpdated and scanForFiles is missing')
}

function generating({ commandUpdated, patchUpdated }: Fields): Json | undefined {
  return commandUpdated ?? patchUpdated
}

function readScan(config: Fields): FluxConfig {
  const fields = fieldsOf(config.scanForFiles, ['scanForFiles'], 'scanForFiles')
  onlyKeys(fields, [], ['scanForFiles'])
  if (!isThere(generating(config))) onlyKeys(config, ['version', 'scanForFiles'], [])
  return { kind: 'scanForFiles' }
}

function readCommandUpdated(value: Json): FluxConfig {
  const path = ['commandUpdated']
  const fields = fieldsOf(value, path, 'commandUpdated')
  onlyKeys(fields, ['generators', 'updaters'], path)
  return {
    kind: 'commandUpdated',
    generators: readGenerators(fields, path),
    updaters: listOf(fields.updaters ?? [], [...path, 'updaters']).map((one, at) =>
      readUpdater(one, [...path, 'updaters', at]),
    ),
  }
}

function readPatchUpdated(value: Json): FluxConfig {
  const path = ['patchUpdated']
  const fields = fieldsOf(value, path, 'patchUpdated')
  onlyKeys(fields, ['generators', 'patchFile'], path)
  const { patchFile } = fields
  if (typeof patchFile !== 'string' || patchFile === '')
    throw new Refusal([...path, 'patchFile'], 'patchFile must be a path, relative to the target')
  return { kind: 'patchUpdated', generators: readGenerators(fields, path), patchFile }
}

function readGenerators({ generators }: Fields, path: readonly string[]): FluxCommand[] {
  const at = [...path, 'generators']
  if (generators === undefined) throw new Refusal(path, `${path.join('.')} needs a list of generators`)
  return listOf(generators, at).map((one, index) => readCommand(one, [...at, index]))
}

function readUpdater(value: Json, path: readonly (string | number)[]): FluxUpdater {
  const fields = fieldsOf(value, path, 'an updater')
  onlyKeys(fields, ['containerImage', 'policy'], path)
  const { containerImage, policy } = fields
  return {
    ...(containerImage === undefined
      ? {}
      : { containerImage: readCommand(containerImage, [...path, 'containerImage']) }),
    ...(policy === undefined ? {} : { policy: readCommand(policy, [...path, 'policy']) }),
  }
}

function readCommand(value: Json, path: readonly (string | number)[]): FluxCommand {
  const fields = fieldsOf(value, path, 'a command')
  onlyKeys(fields, ['command', 'timeout'], path)
  const { command, timeout } = fields
  if (typeof command !== 'string' || command === '') throw new Refusal([...path, 'command'], 'command must be a text')
  if (timeout === undefined) return { command }
  const timeoutMs = typeof timeout === 'string' ? parseDuration(timeout) : undefined
  if (timeoutMs === undefined) throw new Refusal([...path, 'timeout'], 'timeout must be a duration, such as 30s or 2m')
  return { command, ...(timeoutMs >= 1000 ? { timeoutMs } : {}) }
}

function isThere(value: Json | undefined): value is Json {
  return value !== undefined && value !== null
}

function fieldsOf(value: Json | undefined, path: readonly (string | number)[], what: string): Fields {
  if (value === null || value === undefined || typeof value !== 'object' || Array.isArray(value))
    throw new Refusal(path, `${what} must be a mapping`)
  return value
}

function listOf(value: Json, path: readonly (string | number)[]): Json[] {
  if (!Array.isArray(value)) throw new Refusal(path, `${path.at(-1)} must be a list`)
  return value
}

function onlyKeys(fields: Fields, allowed: readonly string[], path: readonly (string | number)[]): void {
  const unknown = Object.keys(fields).find((key) => !allowed.includes(key))
  if (unknown === undefined) return
  const known = allowed.length > 0 ? `; known are ${allowed.join(', ')}` : ''
  throw new Refusal([...path, unknown], `'${unknown}' is not known here${known}`)
}

/** Where the key stands, or the nearest thing around it that is there. */
function offsetOf(document: Document.Parsed, path: readonly (string | number)[]): number {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents
  const pair = isMap(parent) ? parent.items.find(({ key }) => String(key) === path.at(-1)) : undefined
  const node = (pair?.key ?? document.getIn(path, true) ?? parent) as Node | null | undefined
  return node?.range?.[0] ?? 0
}
