import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pLimit from 'p-limit'
import { createGit, type Git } from '../../../src/adapters/git/index.ts'
import { quiet } from '../../cluster/world.ts'
import { createRepository } from '../../e2e/repository.ts'
import { type Hazard, judge, scaled, secondsSince, type Trial, type TrialResult } from '../hazard.ts'

const run = promisify(execFile)
const writers = 20
/** One process writes to a branch one after the other (update-images has one slot), several processes at the same time. */
const processes = 4

export const d8: Hazard = {
  id: 'D8',
  promise: '20 writers in 4 processes on one branch: every update landed ≤ 60 s, 0 lost, history linear',
  trials: scaled(1),
  alone: true,
  run: manyWriters,
}

/** Each writer fetches, edits its own line of one file and pushes, again with a pause as long as the branch moves. */
async function manyWriters({ world, random, scale }: Trial): Promise<TrialResult> {
  const updates = scale >= 1 ? 10 : 2
  const repository = await createRepository()
  world.atEnd(() => repository.stop())
  const lines = Array.from({ length: writers }, (_, n) => `writer-${n}: 0`)
  await repository.push({ 'lines.txt': `${lines.join('\n')}\n` })
  const remote = { url: repository.url }
  const begun = performance.now()
  let tries = 0
  const gits = Array.from({ length: processes }, (_, n) => ({
    git: createGit({ directory: join(world.directory, `git-${n}`), timeoutMs: 20_000, log: quiet }),
    slot: pLimit(1),
  }))
  const writer = async (n: number) => {
    const { git, slot } = gits[n % processes] as (typeof gits)[number]
    for (let update = 1; update <= updates; update++) {
      for (let attempt = 1; ; attempt++) {
        tries += 1
        if (await slot(() => commitOnce(git, remote, n, update))) break
        await sleep(Math.min(100 * 2 ** (attempt - 1), 5000) * (0.5 + random.next()))
      }
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

async function commitOnce(git: Git, remote: { url: string }, n: number, update: number): Promise<boolean> {
  await git.fetch(remote)
  const base = await git.resolve(remote, 'main')
  const [file] = await git.tree(remote, base, ['lines.txt'])
  const blobs = await git.read(remote, [file?.blob ?? ''])
  const before = Buffer.from(blobs.get(file?.blob ?? '') ?? []).toString()
  const content = before.replace(new RegExp(`^writer-${n}: .*$`, 'm'), `writer-${n}: ${update}`)
  const request = {
    branch: 'main',
    base,
    edits: [{ path: 'lines.txt', content }],
    message: `writer ${n}, update ${update}`,
    author: { name: 'writer', email: 'writer@example.com' },
  }
  const { result } = await git.commitAndPush(remote, request)
  return result !== 'moved'
}
