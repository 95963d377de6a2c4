// `npm run image:test`: builds the image of the Dockerfile with Debian's buildah, without a container engine, on a base that debootstrap
// makes, and runs it in a chroot. Needs root, buildah and debootstrap; KEEP=1 leaves the folder with base, storage and tools.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeBase } from './base.ts'
import { type Builder, createBuilder } from './buildah.ts'
import { check, type Finding } from './check.ts'
import { serveTools } from './tools.ts'

const name = 'capstan-image-test'
const started = performance.now()
const folder = process.env.IMAGE_TEST_FOLDER ?? mkdtempSync(join(tmpdir(), `${name}-`))
mkdirSync(folder, { recursive: true })
let builder: Builder | undefined
let failed = 0
let passed = 0

function say(text: string): void {
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`)
}

function tell({ what, problem }: Finding): void {
  if (problem) failed++
  else passed++
  say(`${problem ? 'FAILED' : 'ok    '} ${what}${problem ? `: ${problem}` : ''}`)
}

try {
  builder = createBuilder(join(folder, 'storage'))
  const base = await makeBase({ folder, builder, say })
  const tools = await serveTools(join(folder, 'tools'), say)
  try {
    await builder.build(name, { BASE: base, TOOLS_MIRROR: tools.url }, say)
  } finally {
    await tools.close()
  }
  for await (const finding of check(builder, name, folder)) tell(finding)
} catch (error) {
  tell({ what: 'the image', problem: error instanceof Error ? error.message : String(error) })
} finally {
  await builder?.remove()
  if (!process.env.KEEP) rmSync(folder, { recursive: true, force: true })
}
process.stdout.write(`${passed} passed, ${failed} failed, 0 skipped\n`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
