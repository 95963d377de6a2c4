import { type Document, isMap, type Node, parseAllDocuments } from 'yaml'
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
  /** SOPS encrypted the file. Its seal covers plain values and all documents, so that no byte may change. */
  isSealed: boolean
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
  const parsed = documents.flatMap(({ text: part, offset }) => {
    if (isTooDeep(part)) return []
    const some = parseAllDocuments(part, manifestYaml) as Document.Parsed[]
    return some.map((document) => ({ document, offset: skipped + offset }))
  })
  const isSealed = parsed.some(({ document }) => hasSeal(document))
  return parsed.flatMap(({ document, offset }) => readDocument(document, offset).map((one) => ({ ...one, isSealed })))
}

/** Whether SOPS has written its seal into a document: it goes into each, above the items of a List too. */
export function hasSeal({ contents }: Pick<Document.Parsed, 'contents'>): boolean {
  return isMap(contents) && contents.has('sops')
}

function readDocument(document: Document.Parsed, offset: number): Omit<OpenObject, 'isSealed'>[] {
  if (document.errors.length > 0) return []
  const { value, refusals } = toJson(document)
  if (refusals.length > 0) return []
  return readObjects(value, document).objects.map(({ object, node }) => ({ object, node, offset }))
}
