import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'

let folder: string
let repository: Repository
let capstan: Capstan | undefined

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'capstan-operator-files-'))
  repository = await createRepository({ auth: { user: 'ann', password: 'correct-horse' } })
  await repository.push({ 'nothing.txt': 'no manifest\n' })
})
afterEach(async () => {
  await capstan?.stop()
  await repository.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The repository is reached and synced, with these flags and this address. */
async function synced(url: string, ...flags: string[]): Promise<void> {
  const started = await startCapstan([
    `--git-url=${url}`,
    '--git-branch=main',
    '--git-poll-interval=30s',
    '--sync-state=cluster',
    '--enable=sync',
    ...flags,
  ])
  capstan = started
  const ready = async () => (await started.cli('status')).code === 0
  await until('the repository is synced', ready, { timeoutMs: 120_000, everyMs: 500, logFile: started.logFile })
}

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text, { mode: 0o400 })
  return file
}

it('--git-netrc-file logs in to a repository whose URL has no login', async () => {
  const netrc = write('netrc', 'machine 127.0.0.1 login ann password correct-horse\n')
  await synced(repository.url, `--git-netrc-file=${netrc}`)
})

it('--git-config-file leads elsewhere by insteadOf, and a helper in it is not run', async () => {
  const ran = join(folder, 'ran')
  const login = repository.url.replace('://', '://ann:correct-horse@').replace(/repo\.git$/, '')
  const config = write(
    'gitconfig',
    `[url "${login}"]\n\tinsteadOf = http://git.example/\n[credential]\n\thelper = "!touch ${ran}; :"\n[core]\n\tfsmonitor = "touch ${ran}"\n`,
  )
  await synced('http://git.example/repo.git', `--git-config-file=${config}`)
  expect(existsSync(ran)).toBe(false)
})
