// The process that parses manifests, with weak spots: what a file is called says how it ends there.
import { readFileSync, writeSync } from 'node:fs'
import { parseAllDocuments } from 'yaml'
import { parseFile } from '../../src/domain/manifest/parse-file.ts'
import { decodeFiles, encodeParsed, readyLine } from '../../src/domain/manifest/wire.ts'

const files = decodeFiles(readFileSync(0))
writeSync(1, `${readyLine}\n`)
for (const file of files) {
  if (file.path.startsWith('kill')) process.kill(process.pid, 'SIGKILL')
  if (file.path.startsWith('half')) {
    writeSync(1, '{"objects":[')
    process.exit(0)
  }
  if (file.path.startsWith('endless')) for (;;);
  if (file.path.startsWith('heap')) fill()
  if (file.path.startsWith('output')) for (;;) writeSync(1, ' '.repeat(65_536))
  // the scan of the text, which keeps such files from the parser, is left out
  if (file.path.startsWith('unguarded'))
    for (const { contents } of parseAllDocuments(read(file))) JSON.stringify(contents)
  writeSync(1, `${encodeParsed(parseFile(file))}\n`)
}

function read({ bytes }: { bytes: Uint8Array }): string {
  return new TextDecoder().decode(bytes)
}

function fill(): never {
  const block = Array.from({ length: 100_000 }, (_, index) => index)
  const held: number[][] = []
  for (;;) held.push(block.slice())
}
