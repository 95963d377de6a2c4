import { AppError } from '../../domain/error.ts'
import type { Command } from './command.ts'
import { MirrorDamage } from './failure.ts'
import { checkId } from './ref-name.ts'

export type TreeFile = {
  /** Path from the repository root, with `/`. */
  path: string
  /** git blob id: equal ids are equal bytes. */
  blob: string
  mode: 'file' | 'executable' | 'symlink' | 'submodule'
  /** Bytes; 0 for submodules. */
  size: number
  /** Where a symlink leads, as it is written. Only for symlinks. */
  target?: string
}

const modes: Readonly<Record<string, TreeFile['mode']>> = {
  '100644': 'file',
  '100664': 'file',
  '100755': 'executable',
  '120000': 'symlink',
  '160000': 'submodule',
}

/** One answer of `cat-file --batch` at a time stays below this; a file beyond it is refused. */
const maxBatchBytes = 64 * 1024 * 1024

/** Every file of a commit, sorted by path, with where its links lead. */
export async function listTree(git: Command, commit: string): Promise<TreeFile[]> {
  checkId(commit)
  const files: TreeFile[] = []
  const text = await listAll(git, commit)
  for (const line of text.split('\0')) {
    if (line === '') continue
    const [, mode = '', blob = '', size = '', path = ''] = /^(\d+) \w+ ([0-9a-f]{40}) +(\d+|-)\t(.*)$/s.exec(line) ?? []
    // For an object that is gone git prints `BAD` and goes on: a file less is not what could not be read.
    if (path === '') throw new MirrorDamage(`an object of ${commit.slice(0, 7)} cannot be read`)
    files.push({ path, blob, mode: modes[mode] ?? 'file', size: Number(size) || 0 })
  }
  const links = files.filter(({ mode, size }) => mode === 'symlink' && size <= 4096)
  const targets = await readBlobs(
    git,
    links.map(({ blob }) => blob),
  )
  for (const link of links) link.target = Buffer.from(targets.get(link.blob) ?? []).toString()
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

async function listAll(git: Command, commit: string): Promise<string> {
  try {
    return await git.text(['ls-tree', '-r', '-l', '-z', '--full-tree', '--end-of-options', commit])
  } catch (error) {
    await mustHave(git, commit)
    throw error
  }
}

/** Throws GitRefNotFound for a commit that is not in the mirror: one that nobody has fetched is the caller's business, not damage. */
export async function mustHave(git: Command, commit: string): Promise<void> {
  const answer = await git.text(['cat-file', '--batch-check=%(objecttype)'], { input: `${commit}\n` })
  if (answer.trim() !== 'commit') throw new AppError('GitRefNotFound', `the commit ${commit} is not in the repository`)
}

/** Contents by id, in one git process per 64 MB. An unknown id is damage of the mirror, or the caller's mistake. */
export async function readBlobs(git: Command, blobs: readonly string[]): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>()
  const wanted = [...new Set(blobs)]
  for (const blob of wanted) checkId(blob)
  if (wanted.length === 0) return contents
  for (const batch of await inBatches(git, wanted)) {
    const answer = await git.catFile(['--batch', '--buffer'], `${batch.join('\n')}\n`)
    takeApart(answer, contents)
  }
  const missing = wanted.find((blob) => !contents.has(blob))
  if (missing) throw new MirrorDamage(`${missing} was not given by git`)
  return contents
}

/** Sizes first: the whole answer is held in memory, and a repository may hold anything. */
async function inBatches(git: Command, blobs: readonly string[]): Promise<string[][]> {
  const sizes = await git.text(['cat-file', '--batch-check', '--buffer'], { input: `${blobs.join('\n')}\n` })
  const batches: string[][] = [[]]
  let bytes = 0
  for (const line of sizes.split('\n')) {
    if (line === '') continue
    const [blob = '', type, size] = line.split(' ')
    if (type !== 'blob')
      throw new MirrorDamage(`${blob} is ${type === 'missing' ? 'not in the repository' : 'no file'}`)
    if (Number(size) > maxBatchBytes)
      throw new AppError('InvalidYAML', `${blob} is larger than ${maxBatchBytes / 1024 / 1024} MB`)
    bytes += Number(size)
    if (bytes > maxBatchBytes) {
      batches.push([])
      bytes = Number(size)
    }
    batches.at(-1)?.push(blob)
  }
  return batches
}

/** `<id> blob <size>\n<bytes>\n`, one after the other. */
function takeApart(answer: Buffer, contents: Map<string, Uint8Array>): void {
  let at = 0
  while (at < answer.length) {
    const newline = answer.indexOf(0x0a, at)
    const [blob = '', type = '', size = ''] = answer.toString('latin1', at, newline).split(' ')
    const end = newline + 1 + Number(size)
    if (newline < 0 || type !== 'blob' || end >= answer.length)
      throw new MirrorDamage(`git cat-file answered with ${type || 'less than it said'}`)
    // A copy: a view would keep the whole answer in memory for one file.
    contents.set(blob, Uint8Array.from(answer.subarray(newline + 1, end)))
    at = end + 1
  }
}
