import { type Document, type Node, parseAllDocuments, type YAMLParseError } from 'yaml'
import { manifestYaml } from './go-yaml.ts'
import { createLines } from './lines.ts'
import type { KubeObject } from './object.ts'
import { isTooDeep, maxDepth } from './prescan.ts'
import type { Problem } from './problem.ts'
import { readObjects } from './read-object.ts'
import { type DocumentText, splitDocuments } from './split.ts'
import { toJson } from './to-json.ts'

/** One object as git says it, and where. */
export type ManifestObject = {
  object: KubeObject
  /** Path inside the repository. */
  file: string
  /** 1-based line of the object's first key. */
  line: number
}

export type Manifests = {
  objects: ManifestObject[]
  /** What is wrong; nothing of the document or item concerned is in `objects`. */
  problems: Problem[]
  /** What is odd and was read as kubectl reads it, e.g. a key given twice. */
  warnings: Problem[]
}

/** A longer file is refused unread (hazard G3). */
export const maxFileBytes = 5 * 1024 * 1024
const maxDocuments = 5_000
/** A file of 5 MB of equal keys would otherwise make a list longer than itself. */
const maxWarnings = 20

/**
 * Reads the objects of one file as kubectl would (flux-v1 §§3–4, hazards G1–G7): many documents, lists expanded, empty ones and
 * those without a kind skipped. One bad document does not lose the others. Never throws; parses at about 1 MB a second.
 */
export function parseManifests({
  file,
  text,
  isPatch = false,
}: {
  file: string
  text: string | Uint8Array
  /** Annotations and labels that are null stay so. */
  isPatch?: boolean
}): Manifests {
  const found: Manifests = { objects: [], problems: [], warnings: [] }
  const read = readText(text)
  if ('refusal' in read) {
    found.problems.push(problem(file, read.line, read.refusal))
    return found
  }
  const lineAt = createLines(read.text)
  const documents = splitDocuments(read.text)
  if (documents.length > maxDocuments) {
    found.problems.push(problem(file, 0, `${documents.length} documents in one file; at most ${maxDocuments} are read`))
    return found
  }
  for (const document of documents) parseDocument(document, { file, lineAt, isPatch }, found)
  return found
}

/** Anything that may be refused before YAML is looked at. */
function readText(given: string | Uint8Array): { text: string } | { refusal: string; line: number } {
  if (given.length > maxFileBytes)
    return { refusal: `the file is larger than ${maxFileBytes / 1024 / 1024} MB`, line: 0 }
  let text: string
  try {
    text =
      typeof given === 'string' ? given.replace(/^\ufeff/, '') : new TextDecoder('utf-8', { fatal: true }).decode(given)
  } catch {
    return { refusal: 'the file is not valid UTF-8', line: 0 }
  }
  const control = findControl(text)
  if (control >= 0)
    return { refusal: 'the file holds control characters, which YAML forbids', line: createLines(text)(control) }
  return { text }
}

/** Offset of the first character that Go's YAML refuses to read, or -1. */
function findControl(text: string): number {
  return text.search(/(?![\t\n\r\u0085])[\p{Cc}\ufffe\uffff]/u)
}

function parseDocument(
  { text, offset }: DocumentText,
  { file, lineAt, isPatch }: { file: string; lineAt: (offset: number) => number; isPatch: boolean },
  found: Manifests,
): void {
  if (isTooDeep(text)) {
    found.problems.push(problem(file, lineAt(offset), `nested deeper than ${maxDepth} levels`))
    return
  }
  for (const document of parseAllDocuments(text, manifestYaml) as Document.Parsed[]) {
    const error = document.errors[0]
    if (error) found.problems.push(problem(file, lineAt(offset + error.pos[0]), plainMessage(error)))
    else readDocument(document, { file, lineOf: (node) => lineAt(offset + node), isPatch }, found)
  }
}

function readDocument(
  document: Document.Parsed,
  { file, lineOf, isPatch }: { file: string; lineOf: (offset: number) => number; isPatch: boolean },
  found: Manifests,
): void {
  const { value, refusals, warnings } = toJson(document)
  for (const { message, offset } of refusals) found.problems.push(problem(file, lineOf(offset), message))
  if (refusals.length > 0) return
  const { objects, faults } = readObjects(value, document, isPatch)
  const line = (node: Node | null): number => lineOf((node ?? document.contents)?.range?.[0] ?? 0)
  for (const { object, node } of objects) found.objects.push({ object, file, line: line(node) })
  for (const { message, node, ...who } of faults) found.problems.push({ ...problem(file, line(node), message), ...who })
  if (objects.length === 0) return
  for (const { message, offset } of warnings) {
    if (found.warnings.length < maxWarnings) found.warnings.push(problem(file, lineOf(offset), message))
  }
}

/** In place of the parser's messages that quote the file: a broken Secret must not end in a log. */
const unquoted: Partial<Record<YAMLParseError['code'], string>> = {
  BAD_DIRECTIVE: 'a line that begins with % and is no directive',
  BAD_DQ_ESCAPE: 'an unknown escape in a double-quoted text',
  TAG_RESOLVE_FAILED: 'a tag (!) that is not known; a text that begins so needs quotes',
  UNEXPECTED_TOKEN: 'unexpected text',
}

function plainMessage({ code, message }: YAMLParseError): string {
  return `not valid YAML: ${unquoted[code] ?? message.slice(0, 200)}`
}

function problem(file: string, line: number, message: string): Problem {
  return { reason: 'InvalidYAML', file, line, message }
}
