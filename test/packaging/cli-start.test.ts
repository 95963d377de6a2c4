import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { root } from './dockerfile.ts'

/** Small ones that draw help and tables. */
const light = ['commander', 'picocolors', 'cli-table3', 'string-width', 'strip-ansi', 'ansi-regex', 'emoji-regex']
const folder = mkdtempSync(join(tmpdir(), 'capstan-start-'))
const spy = join(folder, 'spy.mjs')

beforeAll(() => {
  for (const name of ['capstan', 'fluxctl']) symlinkSync(join(root, 'bin/capstan.mjs'), join(folder, name))
  writeFileSync(
    spy,
    `import { registerHooks } from 'node:module'
     import { appendFileSync } from 'node:fs'
     registerHooks({ load(url, context, next) { appendFileSync(process.env.SPY, url + '\\n'); return next(url, context) } })`,
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// the time it takes is measured by hand; what makes it long is this
it.each([
  ['capstan', '--help'],
  ['capstan', 'release --help'],
  ['capstan', 'version --client'],
  ['capstan', '__complete sta'],
  ['fluxctl', '--help'],
  ['fluxctl', 'list-workloads --help'],
  ['fluxctl', 'version'],
])('%s %s loads no package that is slow to load', async (program, line) => {
  const seen = join(folder, `${program}-${line.replaceAll(/\W/g, '-')}`)
  const args = [`--import=${spy}`, '--disable-warning=ExperimentalWarning', join(folder, program), ...line.split(' ')]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: '', HOME: folder, SPY: seen } })
  expect(stdout).not.toBe('')
  const urls = readFileSync(seen, 'utf8').split('\n')
  expect(urls.some((url) => /\/src\/main\/cli\.ts$|\/dist\/capstan\.js$/.test(url))).toBe(true)
  const packages = urls.map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1]).filter(Boolean)
  expect(
    [...new Set(packages)].filter((name) => !light.includes(name ?? '') && !/^is-fullwidth|^@colors/.test(name ?? '')),
  ).toEqual([])
})
