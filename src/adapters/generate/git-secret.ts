import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Problem } from '../../domain/manifest/problem.ts'
import { filesBelow } from './files.ts'
import { environmentOf, type Place } from './place.ts'
import { whyFailed } from './words.ts'

/** gpg reads the repository's key folder as its home; a configuration there could name programs to run. */
const keyFiles = new Set(['pubring.kbx', 'pubring.gpg', 'trustdb.gpg', 'random_seed'])

/**
 * Decrypts in the checkout what git-secret encrypted (`git secret reveal -f`, flux-v1 §3), with the keys of the operator's GnuPG
 * home. Undefined when all of it is there.
 */
export async function reveal(timeoutMs: number, place: Place): Promise<Problem | undefined> {
  // git-secret's own variable; an operator may have set it.
  const folder = place.environment.SECRETS_DIR || '.gitsecret'
  const mapping = `${folder}/paths/mapping.cfg`
  const refuse = (why: string) => refusal(mapping, why)
  const unsafe = unsafePath(`${folder}\n${filesBelow(place.root).read(mapping)}`)
  if (unsafe !== undefined) return refuse(`it names '${unsafe}', which no secret of a repository is called`)
  await removeForeign(join(place.root, folder, 'keys'))
  const env = {
    ...(await environmentOf(place)),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: place.scratch,
    ...(place.gnupgHome === undefined ? {} : { GNUPGHOME: place.gnupgHome }),
  }
  const programs = [
    { command: 'git', args: ['init', '--quiet', '--template='] },
    { command: 'git-secret', args: ['reveal', '-f'] },
  ]
  for (const program of programs) {
    const result = await place.run({ ...program, env, cwd: place.root, timeoutMs, signal: place.signal })
    place.signal.throwIfAborted()
    if (result.ended === 'notFound') return refuse(`the program ${program.command} is not there; install it`)
    if (result.ended !== 'exit' || result.exitCode !== 0)
      return refuse(whyFailed(result, { timeoutMs, root: place.root }))
  }
  return undefined
}

/** The first path of the mapping that does not lie inside the repository. Each line is `path:checksum`. */
export function unsafePath(text: string): string | undefined {
  const paths = text.split('\n').flatMap((line) => line.trim().split(':').slice(0, 1))
  return paths.find((path) => {
    const parts = path.split('/')
    return (
      path !== '' && (/^[-/~]|[\p{Cc}\\]/u.test(path) || parts.some((part) => part === '..' || /^\.git$/i.test(part)))
    )
  })
}

async function removeForeign(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: { code?: string }) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
  for (const name of names) if (!keyFiles.has(name)) await rm(join(folder, name), { recursive: true })
}

function refusal(file: string, why: string): Problem {
  return { reason: 'GeneratorFailed', file, line: 0, message: `git-secret could not decrypt: ${why}` }
}
