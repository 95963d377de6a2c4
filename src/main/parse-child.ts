// A process of its own that parses manifests and is lost without harm (hazard G1): files on standard input, a line for each on
// standard output. Loads nothing but the parser, so that it is up at once.
import { readFileSync, writeSync } from 'node:fs'
import { parseFile } from '../domain/manifest/parse-file.ts'
import { decodeFiles, encodeParsed, readyLine } from '../domain/manifest/wire.ts'

// `yaml` asks for a debugging switch at every token; the real environment, empty as it is, makes that a quarter of its time
process.env = {}

const files = decodeFiles(readFileSync(0))
writeLine(readyLine)
for (const file of files) writeLine(encodeParsed(parseFile(file)))

/** Each line is with the reader before the next file is begun: what ends the process then is that file. */
function writeLine(line: string): void {
  const bytes = Buffer.from(`${line}\n`)
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)
}
