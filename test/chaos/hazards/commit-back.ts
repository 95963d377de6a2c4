import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type BranchChange, createGit, type Git } from '../../../src/adapters/git/index.ts'
import { AppError } from '../../../src/domain/error.ts'
import { quiet } from '../../cluster/world.ts'
import { createRepository } from '../../e2e/repository.ts'
import { type Hazard, judge, scaled, secondsSince, type Trial, type TrialResult } from '../hazard.ts'

type NewCommit = NonNullable<Awaited<ReturnType<BranchChange['make']>>>

const run = promisify(execFile)
const writers = 20
/** One process writes to a branch one after the other, several processes at the same time. */
const processes = 4

export const d8: Hazard = {
  id: 'D8',
  promise: '20 writers in 4 processes on one branch: every update landed ≤ 60 s, 0 lost, history linear',
  trials: scaled(1),
  alone: true,
  run: manyWriters,
}

/** Each writer edits its own line of one file, as often as it takes. */
async function manyWriters({ world, scale }: Trial): Promise<TrialResult> {
  const updates = scale >= 1 ? 10 : 2
  const repository = await createRepository()
  world.atEnd(() => repository.stop())
  const lines = Array.from({ length: writers }, (_, n) => `writer-${n}: 0`)
  await repository.push({ 'lines.txt': `${lines.join('\n')}\n` })
  const remote = { url: repository.url }
  const begun = performance.now()
  let tries = 0
  const gits = Array.from({ length: processes }, (_, n) =>
    createGit({ directory: join(world.directory, `git-${n}`), timeoutMs: 20_000, log: quiet }),
  )
  const writer = async (n: number) => {
    const git = gits[n % processes] as Git
    for (let update = 1; update <= updates; update++) {
      const make = async (base: string) => {
        tries += 1
        return await editLine(git, remote, base, { line: `writer-${n}`, update })
      }
      await untilLanded(() => git.changeBranch(remote, { branch: 'main', make }))
    }
  }
  await Promise.all(Array.from({ length: writers }, (_, n) => writer(n)))
  const seconds = secondsSince(begun)
  await repository.git('pull', '-q', 'origin', 'main')
  const text = await repository.git('show', 'HEAD:lines.txt')
  const lost = lines.filter((_, n) => !text.includes(`writer-${n}: ${updates}`)).length
  const { stdout: merges } = await run('git', [
    '-C',
    repository.clone,
    'rev-list',
    '--min-parents=2',
    '--count',
    'HEAD',
  ])
  const commits = Number(await repository.git('rev-list', '--count', 'HEAD')) - 1
  return {
    ...judge({
      seconds: [seconds, 60],
      lost: [lost, 0],
      merges: [Number(merges), 0],
      extra: [commits - writers * updates, 0],
    }),
    measured: { seconds, lost, merges: Number(merges), commits, tries },
  }
}

/** After eight lost races the queue tries again, as it does with a job. */
async function untilLanded(change: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await change()
      return
    } catch (error) {
      if (!(error instanceof AppError) || error.reason !== 'GitConflict') throw error
    }
  }
}

async function editLine(
  git: Git,
  remote: { url: string },
  base: string,
  { line, update }: { line: string; update: number },
): Promise<NewCommit> {
  const [file] = await git.tree(remote, base, ['lines.txt'])
  const blobs = await git.read(remote, [file?.blob ?? ''])
  const before = Buffer.from(blobs.get(file?.blob ?? '') ?? []).toString()
  const content = before.replace(new RegExp(`^${line}: .*$`, 'm'), `${line}: ${update}`)
  return {
    edits: [{ path: 'lines.txt', content, ...(file ? { was: file } : {}) }],
    message: `${line}, update ${update}`,
    author: { name: 'writer', email: 'writer@example.com' },
  }
}
