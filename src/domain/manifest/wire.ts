import { exactJson, parseExactJson } from '../../lib/exact-json.ts'
import type { ParsedFile } from './parsed-file.ts'

/** A file on its way to the process that parses it. `isPatch`: its nulls take fields away. */
export type RawFile = { path: string; bytes: Uint8Array; isPatch?: boolean }

/** First line of what the parsing process says: it has all of its input, and what ends it now is one of the files. */
export const readyLine = 'ready'

const lengthBytes = 4

/** Stands before the path of a patch; no path holds it. */
const patchMark = '\0'

/** Files as one stream: the path and the bytes of each, both behind their length in 32 bits. */
export function encodeFiles(files: readonly RawFile[]): Uint8Array {
  const parts = files.flatMap(({ path, bytes, isPatch }) => [
    new TextEncoder().encode(isPatch ? patchMark + path : path),
    bytes,
  ])
  const stream = new Uint8Array(parts.reduce((size, part) => size + lengthBytes + part.length, 0))
  const view = new DataView(stream.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length)
    stream.set(part, at + lengthBytes)
    at += lengthBytes + part.length
  }
  return stream
}

/** The inverse of {@link encodeFiles}; the bytes are views of the stream. Throws RangeError when the stream was cut. */
export function decodeFiles(stream: Uint8Array): RawFile[] {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength)
  const parts: Uint8Array[] = []
  for (let at = 0; at < stream.length; ) {
    const start = at + lengthBytes
    at = start + view.getUint32(at)
    if (at > stream.length) throw new RangeError('the stream ends within a file')
    parts.push(stream.subarray(start, at))
  }
  if (parts.length % 2 !== 0) throw new RangeError('the stream ends behind a path')
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return parts.flatMap((bytes, index) => {
    const before = parts[index - 1]
    if (index % 2 === 0 || !before) return []
    const path = decoder.decode(before)
    return path.startsWith(patchMark)
      ? [{ path: path.slice(patchMark.length), bytes, isPatch: true }]
      : [{ path, bytes }]
  })
}

/** What was found in one file, as one line without its end. */
export function encodeParsed(parsed: ParsedFile): string {
  return exactJson(parsed)
}

/** The inverse of {@link encodeParsed}; undefined for a line that was cut. */
export function decodeParsed(line: string): ParsedFile | undefined {
  try {
    return parseExactJson(line) as ParsedFile
  } catch {
    return undefined
  }
}
