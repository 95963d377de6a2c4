import { type Document, type Node, parseAllDocuments } from 'yaml'
import { manifestYaml } from '../manifest/go-yaml.ts'
import type { KubeObject } from '../manifest/object.ts'
import { isTooDeep } from '../manifest/prescan.ts'
import { readObjects } from '../manifest/read-object.ts'
import { splitDocuments } from '../manifest/split.ts'
import { toJson } from '../manifest/to-json.ts'

/** An object with its place in the text. */
export type OpenObject = {
  object: KubeObject
  node: Node | null
  /** Where the node's ranges count from. */
  offset: number
}

const maxBytes = 5 * 1024 * 1024
const maxDocuments = 5_000
const byteOrderMark = '\ufeff'

/**
 * The text of a file in git, byte for byte: encoding it again gives the same bytes. Undefined for what is too large or no UTF-8.
 */
export function decodeFile(bytes: Uint8Array): string | undefined {
  if (bytes.length > maxBytes) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** The objects of a file that can be read, with their places, in the order of the text. Problems are the sync's to report. */
export function openManifests(text: string): OpenObject[] {
  const skipped = text.startsWith(byteOrderMark) ? byteOrderMark.length : 0
  const documents = splitDocuments(text.slice(skipped))
  if (documents.length > maxDocuments) return []
  return documents.flatMap(({ text: part, offset }) => {
    if (isTooDeep(part)) return []
    const parsed = parseAllDocuments(part, manifestYaml) as Document.Parsed[]
    return parsed.flatMap((document) => readDocument(document, skipped + offset))
  })
}

function readDocument(document: Document.Parsed, offset: number): OpenObject[] {
  if (document.errors.length > 0) return []
  const { value, refusals } = toJson(document)
  if (refusals.length > 0) return []
  return readObjects(value, document).objects.map(({ object, node }) => ({ object, node, offset }))
}
