import { canonicalJson } from '../../lib/canonical-json.ts'
import { ancestorOf } from './ancestor.ts'
import { digestOfText } from './digest.ts'
import { headObject } from './head.ts'
import { parseManifests } from './parse.ts'
import type { ParsedFile } from './parsed-file.ts'
import type { RawFile } from './wire.ts'

/** Everything a sync needs of one file, as {@link parseManifests} reads it. Never throws but for want of memory. */
export function parseFile({ path, bytes, isPatch = false }: RawFile): ParsedFile {
  const { objects, problems, warnings } = parseManifests({ file: path, text: bytes, isPatch })
  return {
    objects: objects.map(({ object, line }) => {
      // The text that is digested is the text that is sent: one walk through the object instead of two.
      const body = canonicalJson(object)
      const ancestor = ancestorOf(object)
      const read = { head: headObject(object), line, digest: digestOfText(body), body }
      return ancestor ? { ...read, ancestor } : read
    }),
    problems,
    warnings,
  }
}
