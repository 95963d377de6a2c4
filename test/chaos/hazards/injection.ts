import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createGit, type Git, type GitRemote } from '../../../src/adapters/git/index.ts'
import { quiet } from '../../cluster/world.ts'
import { createRepository, type Repository } from '../../e2e/repository.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import type { Random } from '../random.ts'
import type { World } from '../world.ts'

const run = promisify(execFile)

type Ground = { repository: Repository; remote: GitRemote; git: Git; commit: string; canary: string; folder: string }

/** A repository, a mirror of it and a file that must never come to be. */
async function prepare(world: World, environment: Record<string, string> = {}): Promise<Ground> {
  const repository = await createRepository()
  world.atEnd(() => repository.stop())
  const commit = await repository.push({ 'a/file.yaml': 'a: b\n', 'b.yaml': 'b: c\n' })
  const remote = { url: repository.url }
  const options = { directory: join(world.directory, 'git'), log: quiet, environment }
  // what must succeed takes its time; of the attacks some hang
  await createGit({ ...options, timeoutMs: 120_000 }).fetch(remote)
  const git = createGit({ ...options, timeoutMs: 10_000 })
  return { repository, remote, git, commit, canary: join(world.directory, 'canary'), folder: world.directory }
}

const payloads = 30

export const h1: Hazard = {
  id: 'H1',
  promise: '300 payloads × 12 fields that reach git: 0 canary files, 0 refs or files made by them',
  trials: scaled(10),
  run: (trial) => inject(trial, payloads),
}

export async function inject({ world, random }: Trial, count: number): Promise<TrialResult> {
  const ground = await prepare(world)
  let [calls, taken] = [0, 0]
  for (let n = 0; n < count; n++) {
    const payload = makePayload(random, ground.canary)
    for (const field of fields) {
      calls += 1
      taken += await field(ground, payload, n).then(
        () => 1,
        () => 0,
      )
    }
  }
  const refs = await ground.repository.git('ls-remote', 'origin')
  const odd = refs.split('\n').filter((line) => !/\t(HEAD|refs\/heads\/(main|safe))$/.test(line)).length
  return {
    ...judge({ canaries: [canariesIn(ground), 0], oddRefs: [odd, 0] }),
    measured: { calls, taken, canaries: canariesIn(ground), oddRefs: odd },
  }
}

/** Every parameter through which a text that is not ours can reach git. */
const fields: readonly ((ground: Ground, payload: string, n: number) => Promise<unknown>)[] = [
  ({ git }, payload) => git.fetch({ url: payload }),
  ({ git, repository }, payload) => git.fetch({ url: `${repository.url}${payload}` }),
  ({ git, repository }, payload) => git.fetch({ url: repository.url.replace('127.0.0.1', payload) }),
  ({ git, remote }, payload) => git.resolve(remote, payload),
  ({ git, remote }, payload) => git.resolve(remote, `main${payload}`),
  ({ git, remote }, payload) => git.tree(remote, payload, []),
  ({ git, remote, commit }, payload) => git.tree(remote, commit, [payload]),
  ({ git, remote }, payload) => git.read(remote, [payload]),
  ({ git, remote, commit, folder }, payload, n) => {
    const directory = join(folder, `export-${n}`)
    mkdirSync(directory, { recursive: true })
    return git.export(remote, commit, payload, directory)
  },
  ({ git, remote, commit }, payload) => git.log(remote, { from: payload, to: commit, limit: 5 }),
  (ground, payload) => push(ground, { branch: payload }),
  (ground, payload) => push(ground, { path: payload }),
  (ground, payload) => push(ground, { message: payload }),
  (ground, payload) => push(ground, { author: payload }),
]

/** With everything else in order; onto a branch that may be written to. */
async function push(
  { git, remote, commit }: Ground,
  what: { branch?: string; path?: string; message?: string; author?: string },
) {
  const { branch = 'safe', path = 'b.yaml', message = 'a change', author = 'somebody' } = what
  const edits = [{ path, content: `x: ${path.length + message.length}\n` }]
  const name = { name: author, email: what.author ?? 'somebody@example.com' }
  await git.commitAndPush(remote, { branch, base: commit, edits, message, author: name })
}

function makePayload(random: Random, canary: string): string {
  const touch = `touch ${canary}`
  const spaced = touch.replaceAll(' ', '${IFS}')
  const body = random.pick([
    `--upload-pack=${touch}`,
    `--upload-pack=${spaced}`,
    `--exec=${touch}`,
    `--receive-pack=${touch}`,
    `--output=${canary}`,
    `-o${canary}`,
    `--config=core.sshCommand=${touch}`,
    `-ccore.fsmonitor=${touch}`,
    `-c core.pager="${touch}"`,
    `ext::sh -c ${touch.replaceAll(' ', '% ')}`,
    `ext::${touch.replaceAll(' ', '% ')}`,
    `;${touch};`,
    `|${touch}`,
    `$(${touch})`,
    `$(${spaced})`,
    `\`${touch}\``,
    `&& ${touch}`,
    `'; ${touch}; '`,
    `"; ${touch}; "`,
    `--git-dir=${canary}`,
    `--index-output=${canary}`,
    `--separate-git-dir=${canary}`,
    `--template=${canary}`,
    `ssh://-oProxyCommand=${spaced}/x`,
    `-oProxyCommand=${spaced}:x/y`,
    `../../../../../..${canary}`,
    canary,
    `file://${canary}`,
    `.git/hooks/post-update`,
    `a/../../${canary}`,
    `HEAD:${canary}`,
    `refs/heads/../../${canary}`,
  ])
  const around = random.pick(['', '', '', '\n', ' ', '\u0000', '\r\n', '@', 'main ', '--end-of-options '])
  return random.next() < 0.7 ? `${around}${body}` : `${body}${around}`
}

/** The canary itself, in any form of its name, beside where it would be. */
function canariesIn({ folder }: Pick<Ground, 'folder'>): number {
  return readdirSync(folder).filter((name) => name.includes('canary')).length
}

export const h2: Hazard = {
  id: 'H2',
  promise: '60 URLs of other transports and local paths: refused, 0 helpers run',
  trials: scaled(10),
  run: transports,
}

/** A helper of each name stands on PATH and would leave a canary. */
async function transports({ world, random }: Trial): Promise<TrialResult> {
  const canary = join(world.directory, 'canary')
  const bin = join(world.directory, 'bin')
  mkdirSync(bin)
  const helpers = ['evil', 'ext', 'fd', 'ftp', 'ftps', 'gopher', 'git']
  for (const name of helpers) script(join(bin, `git-remote-${name}`), `touch ${canary}-${name}`)
  // `file:path` is a host named file to git, which ssh may look for in vain
  script(join(bin, 'ssh'), 'exit 255')
  const ground = await prepare(world, { PATH: `${bin}:${process.env.PATH ?? ''}` })
  const bare = `${ground.repository.server.root}/repo.git`
  let taken = 0
  for (let n = 0; n < 60; n++) {
    const scheme = random.pick([...helpers, 'file', 'rsync', 'EXT', 'File', 'transport', 'http+unix'])
    const url = random.pick([
      `${scheme}::${bare}`,
      `${scheme}://${bare}`,
      `${scheme}::sh -c touch% ${canary}`,
      bare,
      `./${bare}`,
      `~/${bare}`,
      ` ${bare}`,
      `/proc/self/cwd`,
      `file://localhost${bare}`,
      `file:${bare}`,
      `http::${ground.repository.url}`,
      `${bare}\n`,
    ])
    taken += await ground.git.fetch({ url }).then(
      () => 1,
      () => 0,
    )
  }
  return judge({ taken: [taken, 0], helpersRun: [canariesIn(ground), 0] })
}

function script(file: string, line: string): void {
  writeFileSync(file, `#!/bin/sh\n${line}\n`)
  chmodSync(file, 0o755)
}

/** What takes git over when it comes from outside. */
const poison = [
  'GIT_SSH_COMMAND',
  'GIT_SSH',
  'GIT_PROXY_COMMAND',
  'GIT_ASKPASS',
  'SSH_ASKPASS',
  'GIT_EDITOR',
  'EDITOR',
  'VISUAL',
  'GIT_SEQUENCE_EDITOR',
  'PAGER',
  'GIT_PAGER',
  'GIT_EXTERNAL_DIFF',
  'GIT_CONFIG',
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_COUNT',
  'GIT_CONFIG_KEY_0',
  'GIT_CONFIG_VALUE_0',
  'GIT_CONFIG_PARAMETERS',
  'GIT_EXEC_PATH',
  'GIT_TEMPLATE_DIR',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_WORK_TREE',
  'GIT_NAMESPACE',
  'GIT_COMMON_DIR',
  'GIT_CEILING_DIRECTORIES',
  'GIT_TRACE',
  'GIT_TRACE_CURL',
  'GIT_TRACE_PACKET',
  'GIT_TRACE2',
  'GIT_TRACE_SETUP',
  'GIT_REDIRECT_STDERR',
  'GIT_REPLACE_REF_BASE',
  'GIT_GRAFT_FILE',
  'GIT_SHALLOW_FILE',
  'GIT_ATTR_SOURCE',
  'GIT_SSL_NO_VERIFY',
  'XDG_CONFIG_HOME',
  'PREFIX',
  'GIT_DEFAULT_HASH',
  'LD_BIND_NOW',
]

/** Beside PATH and what simple-git and Node set, that is all that git may see. */
const mostVariables = 16

export const h3: Hazard = {
  id: 'H3',
  promise:
    'a real Capstan with 40 hostile variables in its environment: git sees none of them, and ≤ 16 variables in all',
  trials: scaled(10),
  run: poisoned,
}

/** A git in front of git writes down what it was given. */
async function poisoned({ world }: Trial): Promise<TrialResult> {
  const seen = join(world.directory, 'seen')
  const bin = join(world.directory, 'bin')
  mkdirSync(bin)
  const { stdout } = await run('sh', ['-c', 'command -v git'])
  script(join(bin, 'git'), `env | cut -d= -f1 | tr '\\n' ' ' >> ${seen}; echo >> ${seen}\nexec ${stdout.trim()} "$@"`)
  const path = `${bin}:${world.stack.binDir}:${process.env.PATH ?? ''}`
  const values = Object.fromEntries(poison.map((name) => [name, name.endsWith('COUNT') ? '1' : `/nowhere/${name}`]))
  const stage = await world.stage({ env: { ...values, PATH: path } })
  const objects = stage.objects(10, 'one')
  const commit = await stage.push(objects)
  stage.capstan.start()
  await stage.equals(commit, objects)
  const calls = existsSync(seen) ? readFileSync(seen, 'utf8').trim().split('\n') : []
  const names = calls.map((line) =>
    line.split(' ').filter((name) => name && !['PWD', 'SHLVL', '_', 'OLDPWD'].includes(name)),
  )
  // These two Capstan sets itself, to its own value; a stranger's would make git fail.
  const leaked = new Set(names.flat().filter((name) => poison.includes(name)))
  return judge(
    {
      notCalled: [calls.length > 0 ? 0 : 1, 0],
      leaked: [leaked.size, 0],
      variables: [Math.max(0, ...names.map((list) => new Set(list).size)), mostVariables],
    },
    [...leaked, '|', ...(names[0] ?? [])].join(' '),
  )
}

const hookNames = [
  'post-checkout',
  'post-merge',
  'pre-push',
  'pre-commit',
  'post-commit',
  'reference-transaction',
  'post-index-change',
  'pre-auto-gc',
  'commit-msg',
  'update',
]

export const h4: Hazard = {
  id: 'H4',
  promise: 'hooks planted in the mirror and by a template: 0 runs',
  trials: scaled(10),
  run: hooks,
}

async function hooks({ world }: Trial): Promise<TrialResult> {
  const ground = await prepare(world)
  const mirrors = join(ground.folder, 'git', 'mirrors')
  for (const mirror of readdirSync(mirrors)) {
    const folder = join(mirrors, mirror, 'hooks')
    mkdirSync(folder, { recursive: true })
    for (const name of hookNames) script(join(folder, name), `touch ${ground.canary}-${name}`)
  }
  await ground.repository.change({ 'c.yaml': 'c: d\n' })
  await ground.git.fetch(ground.remote)
  const base = await ground.git.resolve(ground.remote, 'main')
  const request = {
    base,
    edits: [{ path: 'b.yaml', content: 'hooked: yes\n' }],
    message: 'a change',
    author: { name: 'a', email: 'a@example.com' },
  }
  const { result } = await ground.git.commitAndPush(ground.remote, { ...request, branch: 'main' })
  const directory = join(ground.folder, 'export')
  mkdirSync(directory)
  await ground.git.export(ground.remote, base, '', directory)
  return judge(
    { hooksRun: [canariesIn(ground), 0], notPushed: [result === 'pushed' ? 0 : 1, 0] },
    readdirSync(ground.folder).join(' '),
  )
}
