import { execFileSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createGit } from '../../../src/adapters/git/index.ts'
import { quiet } from '../../cluster/world.ts'
import { createRepository } from '../../e2e/repository.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import type { Random } from '../random.ts'

const treesPerTrial = 10

export const g8: Hazard = {
  id: 'G8',
  promise: '200 trees with symlinks and submodules that lead outside: 0 reads outside the root, nothing hangs',
  trials: scaled(20),
  run: hostileTrees,
}

/** What stands in the file outside; it must never be seen. */
const secret = 'the content of a file outside'

async function hostileTrees({ world, random }: Trial): Promise<TrialResult> {
  const repository = await createRepository()
  world.atEnd(() => repository.stop())
  const outside = join(world.directory, 'outside')
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret.yaml'), secret)
  execFileSync('mkfifo', [join(outside, 'fifo')])
  const git = createGit({ directory: join(world.directory, 'git'), timeoutMs: 20_000, log: quiet })
  const remote = { url: repository.url }
  const bare = `${repository.server.root}/repo.git`
  await repository.push({ 'README.md': 'hello' })
  let [leaks, links, slowest] = [0, 0, 0]
  for (let n = 0; n < treesPerTrial; n++) {
    makeTree(bare, random, outside)
    const begun = performance.now()
    await git.fetch(remote)
    const commit = await git.resolve(remote, 'main')
    const files = await git.tree(remote, commit, [])
    const contents = await git.read(
      remote,
      files.filter(({ mode }) => mode === 'file').map(({ blob }) => blob),
    )
    leaks += [...contents.values()].filter((bytes) => Buffer.from(bytes).includes(secret)).length
    const directory = join(world.directory, `tree-${n}`)
    mkdirSync(directory)
    await git.export(remote, commit, '', directory).catch(() => undefined)
    const found = walk(directory)
    leaks += found.leaks
    links += found.outside
    slowest = Math.max(slowest, performance.now() - begun)
  }
  return judge({ leaks: [leaks, 0], linksOutside: [links, 0], slowestMs: [Math.round(slowest), 20_000] })
}

/** A commit on main whose tree git itself would not check out that way, made from objects alone. */
function makeTree(bare: string, random: Random, outside: string): void {
  const git = (args: string[], input = '') =>
    execFileSync('git', ['-C', bare, ...args], { input, env: { ...process.env, ...author } })
      .toString()
      .trim()
  const blob = (text: string) => git(['hash-object', '-w', '--stdin'], text)
  const targets = [
    join(outside, 'secret.yaml'),
    join(outside, 'fifo'),
    outside,
    `../../../../../../../../../../..${join(outside, 'secret.yaml')}`,
    '/etc/passwd',
    '/proc/self/environ',
    '/dev/zero',
    'apps/../../../../../../../../etc/passwd',
    'loop',
    '.',
    '..',
  ]
  const entries: string[] = [`100644 blob ${blob(`file ${random.next()}\n`)}\tfile.yaml`]
  const names = ['a', 'b', 'link.yaml', 'loop', 'values.yaml', 'Chart.yaml', 'x y']
  for (const name of names) {
    if (random.next() < 0.7) entries.push(`120000 blob ${blob(random.pick(targets))}\t${name}`)
  }
  if (random.next() < 0.5) entries.push(`160000 commit ${'1'.repeat(40)}\tsub`)
  // A folder that is a link in one tree and a folder in the next: what is written below it would land outside.
  const below = git(['mktree'], `100644 blob ${blob('below\n')}\tsecret.yaml\n`)
  entries.push(random.next() < 0.5 ? `040000 tree ${below}\tapps` : `120000 blob ${blob(outside)}\tapps`)
  const tree = git(['mktree', '--missing'], `${entries.join('\n')}\n`)
  git(['update-ref', 'refs/heads/main', git(['commit-tree', tree, '-m', 'hostile'])])
}

const author = {
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
}

/** Whatever was written: links that lead out of the folder, and the secret in a regular file. */
function walk(root: string): { leaks: number; outside: number } {
  const found = { leaks: 0, outside: 0 }
  for (const name of readdirSync(root, { recursive: true }) as string[]) {
    const path = join(root, name)
    const entry = lstatSync(path)
    if (entry.isSymbolicLink()) {
      const leads = existsSync(path) ? realpathSync(path) : readlinkSync(path)
      if (!leads.startsWith(realpathSync(root))) found.outside += 1
    } else if (entry.isFile() && readFileSync(path).includes(secret)) found.leaks += 1
  }
  return found
}
