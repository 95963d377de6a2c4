import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCommand } from './tools/run-command.ts'

/** The addresses that stand in the shipped files until the real ones are known. */
export type Addresses = { registry: string; charts: string; git: string }

export const sampleBranch = 'main'
export const samplePath = 'cluster'
const sample = fileURLToPath(new URL('./sample', import.meta.url))
const examples = fileURLToPath(new URL('./examples', import.meta.url))

/** Names for `--example`. */
export const exampleNames = readdirSync(examples).toSorted()

/** What takes the events of an example, a program with `--port`; undefined for those that have none. */
export function receiverOf(example: string | undefined): string | undefined {
  const file = join(examples, example ?? '', 'receiver.ts')
  return example !== undefined && existsSync(file) ? file : undefined
}

/** Puts the real addresses into one of the sample's files. */
export function fillIn(text: string, addresses: Addresses): string {
  return text
    .replaceAll('http://charts.playground', addresses.charts)
    .replaceAll('http://git.playground', addresses.git)
    .replaceAll('registry.playground/', `${addresses.registry}/`)
}

/** Makes a bare repository at `folder` with one commit that holds the sample or an example. One that is there is left alone. */
export async function createSampleRepository(folder: string, addresses: Addresses, example?: string): Promise<void> {
  if (existsSync(join(folder, 'HEAD'))) return
  const work = mkdtempSync(join(tmpdir(), 'capstan-sample-'))
  try {
    const from = example === undefined ? sample : join(examples, example)
    cpSync(from, work, { recursive: true, filter: (file) => !file.endsWith('.ts') })
    for (const entry of readdirSync(work, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const file = join(entry.parentPath, entry.name)
      if (entry.name !== 'README.md') writeFileSync(file, fillIn(readFileSync(file, 'utf8'), addresses))
    }
    await git(work, 'init', '--quiet', '--initial-branch', sampleBranch, '.')
    await git(work, 'add', '--all')
    await git(work, 'commit', '--quiet', '--message', 'The sample of the playground')
    await git(work, 'clone', '--quiet', '--bare', work, folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

async function git(cwd: string, ...args: string[]): Promise<void> {
  const person = ['GIT_AUTHOR', 'GIT_COMMITTER'].flatMap((who) => [
    [`${who}_NAME`, 'Playground'],
    [`${who}_EMAIL`, 'playground@example.com'],
  ])
  // The user's own settings (signing, hooks, line ends) must not count here.
  const env = { PATH: process.env.PATH, HOME: cwd, GIT_CONFIG_NOSYSTEM: '1', ...Object.fromEntries(person) }
  const { ok, reason } = await runCommand('git', args, { cwd, env })
  if (!ok) throw new Error(reason)
}
