import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Git, GitRemote } from '../../src/adapters/git/index.ts'
import { type GitServer, spyOnGit, startGitServer } from './git-server.ts'
import { makeGit, removeFolders, temporaryFolder } from './make-git.ts'

const author = { name: 'Capstan', email: 'capstan@example.com' }

let server: GitServer
let git: Git
let remote: GitRemote
let commit: string
let canary: string

beforeAll(async () => {
  server = await startGitServer()
  commit = server.commit({ 'a.yaml': 'x: 1\n' })
  canary = join(temporaryFolder(), 'canary')
  git = makeGit({ allowLocal: true })
  remote = { url: server.repository }
  await git.fetch(remote)
})

afterEach(() => {
  expect(existsSync(canary)).toBe(false)
})

afterAll(async () => {
  await server.close()
  removeFolders()
})

/** 30 things that some program takes for a command, each as it is and with what might carry it past a check. */
function payloads(): string[] {
  const run = `touch ${canary}`
  const options = ['--upload-pack=', '--receive-pack=', '--exec=', '--config=core.sshCommand=', '-u', '-c core.pager=']
  const commands = ['-oProxyCommand=', '--template=', '--separate-git-dir=', '--git-dir=', '--work-tree=', '--help=']
  const others = ['ext::', 'ext::sh -c ', 'fd::17/', '!', '$', '%00', '@{', ':(top)', '../../', '.git/hooks/']
  const shells = [`$(${run})`, `\`${run}\``, `;${run};`, `|${run}`, `&${run}&`, `'${run}'`, `"${run}"`, `> ${canary}`]
  const all = [...[...options, ...commands, ...others].map((begin) => `${begin}${run}`), ...shells]
  const wraps: ((text: string) => string)[] = [
    (text) => text,
    (text) => text.replaceAll(' ', '${IFS}'),
    (text) => text.replaceAll(' ', '\t'),
    (text) => `\n${text}`,
    (text) => `main\n${text}`,
    (text) => ` ${text}`,
    (text) => `refs/heads/${text}`,
    (text) => `${text}.git`,
    (text) => `-${text}`,
    (text) => `--\n${text}`,
  ]
  return wraps.flatMap((wrap) => all.map(wrap))
}

type Call = (payload: string) => Promise<unknown>

describe('300 payloads (hazard H1)', () => {
  const fields: Record<string, Call> = {
    'a URL': (url) => git.fetch({ url }),
    'a branch': (branch) => git.commitAndPush(remote, { branch, base: commit, edits: [], message: 'm', author }),
    'a base': (base) => git.commitAndPush(remote, { branch: 'main', base, edits: [], message: 'm', author }),
    'a revision': (ref) => git.resolve(remote, ref),
    'a commit': (id) => git.tree(remote, id, []),
    'a blob': (id) => git.read(remote, [id]),
    'a range of the log': (id) => git.log(remote, { from: id, to: commit, limit: 1 }),
    'a commit to verify': (id) => git.verify(remote, { from: id, to: commit, mode: 'all' }),
    'an older commit': (id) => git.relation(remote, id, commit),
    'a tag': (tag) => git.readTag(remote, tag, { verify: true }),
    'a tag to move': (tag) => git.moveTag(remote, { tag, commit, expected: undefined, message: 'm', author }),
    'a commit to tag': (id) => git.moveTag(remote, { tag: 't', commit: id, expected: commit, message: 'm', author }),
    'a notes ref': (ref) => git.notes(remote, { ref, commits: [commit] }),
    'a commit with notes': (id) => git.notes(remote, { ref: 'flux', commits: [id] }),
  }

  it('are 300, and no two alike', () => {
    expect(new Set(payloads()).size).toBe(300)
  })

  it.each(Object.entries(fields))('as %s make nothing run and are refused', async (_, call) => {
    const answers = await Promise.allSettled(payloads().map(call))
    const taken = payloads().filter((__, at) => answers[at]?.status === 'fulfilled')
    // A name with shell signs in it is an odd but valid name, and then there is just no such tag or note.
    expect(taken.filter((payload) => /[\s~^:?*[\\]|^-|\/-|\.\./.test(payload))).toEqual([])
    expect(existsSync(canary)).toBe(false)
  })

  it('as a path to read or to export make nothing run', async () => {
    const folder = temporaryFolder()
    const answers = await Promise.allSettled(
      payloads()
        .filter((_, at) => at % 5 === 0)
        .map(async (path, at) => git.export(remote, commit, path, join(folder, String(at)))),
    )
    expect(answers.filter(({ status }) => status === 'fulfilled')).toEqual([])
    await expect(git.tree(remote, commit, payloads())).rejects.toMatchObject({ reason: 'PathNotFound' })
  })

  it('as text, author and path of a commit are kept as they are, or refused', async () => {
    const some = payloads().filter((_, at) => at % 30 === 0)
    let base = commit
    for (const payload of some) {
      const person = { name: `x${payload.replaceAll(/[<>\n]/g, '')}`, email: 'a@example.com' }
      const path = `d/${payload.replaceAll('\n', '')}`
      const edits = [{ path, content: payload }]
      const request = { branch: 'main', base, edits, message: `x ${payload}`, author: person }
      const result = await git.commitAndPush(remote, request).catch((error: unknown) => error)
      if (result instanceof Error) expect(result).toMatchObject({ reason: 'PathNotFound' })
      else if ((result as { commit?: string }).commit) base = (result as { commit: string }).commit
    }
    expect(base).not.toBe(commit)
  })
})

describe('60 URLs of other ways than https, http and ssh (hazard H2)', () => {
  it('start neither git nor a helper', async () => {
    const ways = ['ext', 'fd', 'file', 'git', 'ftp', 'ftps', 'rsync', 'gopher', 'dict', 'ldap', 'data', 'javascript']
    const urls = ways.flatMap((way) => [
      `${way}::sh -c touch% ${canary}`,
      `${way}://127.0.0.1/${canary}`,
      `${way.toUpperCase()}://127.0.0.1/x`,
      `${way}::https://127.0.0.1/x`,
      `transport::${way}://x`,
    ])
    expect(urls).toHaveLength(60)
    const spy = spyOnGit(temporaryFolder())
    const one = makeGit({ environment: { PATH: spy.path } })
    for (const url of urls) {
      await expect(one.fetch({ url })).rejects.toMatchObject({ reason: 'GitUnreachable', retry: 'never' })
    }
    expect(existsSync(spy.log)).toBe(false)
  })

  it('are refused by git itself too, where a setting of the operator leads there', async () => {
    const file = join(temporaryFolder(), 'gitconfig')
    writeFileSync(
      file,
      `[protocol]\n\tallow = always\n[protocol "ext"]\n\tallow = always\n[url "ext::sh -c touch% ${canary}%"]\n\tinsteadOf = https://x.example.com/\n`,
    )
    const one = makeGit({ gitConfigFile: file })
    await expect(one.fetch({ url: 'https://x.example.com/a' })).rejects.toMatchObject({
      message: expect.stringContaining("transport 'ext' not allowed"),
    })
  })
})

describe('a poisoned environment (hazard H3)', () => {
  it('of 40 variables does not reach git: it sees ours and no other', async () => {
    const names = [
      'GIT_SSH GIT_SSH_COMMAND GIT_SSH_VARIANT GIT_ASKPASS SSH_ASKPASS GIT_EDITOR GIT_SEQUENCE_EDITOR EDITOR VISUAL PAGER',
      'GIT_PAGER GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND GIT_EXEC_PATH GIT_TEMPLATE_DIR GIT_CONFIG GIT_CONFIG_GLOBAL',
      'GIT_CONFIG_SYSTEM GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY',
      'GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_NAMESPACE GIT_COMMON_DIR GIT_REPLACE_REF_BASE GIT_GRAFT_FILE GIT_TRACE',
      'GIT_TRACE_PACKET GIT_TRACE_CURL GIT_REDIRECT_STDERR GIT_PROTOCOL XDG_CONFIG_HOME LD_PRELOAD LD_LIBRARY_PATH',
      'BASH_ENV ENV PERL5OPT NODE_OPTIONS',
    ]
    const poison = names.join(' ').split(' ')
    expect(poison).toHaveLength(40)
    const before = Object.fromEntries(poison.map((name) => [name, process.env[name]]))
    const spy = spyOnGit(temporaryFolder())
    const one = makeGit({ environment: { PATH: spy.path } })
    // LD_PRELOAD of a file that is not there only makes noise, NODE_OPTIONS would be read by us too.
    for (const name of poison) process.env[name] = name === 'NODE_OPTIONS' ? '--no-warnings' : `touch ${canary}`
    try {
      await one.fetch({ url: server.url })
    } finally {
      for (const name of poison) {
        if (before[name] === undefined) delete process.env[name]
        else process.env[name] = before[name]
      }
    }
    const ofBash = new Set(['PWD', 'OLDPWD', 'SHLVL', '_'])
    const lines = [...readFileSync(spy.log, 'utf8').matchAll(/^([A-Z_a-z]\w*)=/gm)]
    const seen = new Set(lines.map(([, name = '']) => name).filter((name) => !ofBash.has(name)))
    expect(Array.from(seen).toSorted()).toEqual([
      'GIT_ALLOW_PROTOCOL',
      'GIT_ATTR_NOSYSTEM',
      'GIT_CONFIG_NOSYSTEM',
      'GIT_DIR',
      'GIT_TERMINAL_PROMPT',
      // Set by simple-git: an option cut short is refused.
      'GIT_TEST_DISALLOW_ABBREVIATED_OPTIONS',
      'GNUPGHOME',
      'HOME',
      'LC_ALL',
      'PATH',
    ])
  })
})

describe('hooks and templates (hazard H4)', () => {
  const hooks = ['pre-push', 'reference-transaction', 'post-checkout', 'post-index-change', 'pre-receive', 'update']
  hooks.push('post-receive', 'post-update', 'pre-auto-gc', 'fsmonitor-watchman', 'post-rewrite', 'commit-msg')

  function plant(folder: string): void {
    mkdirSync(folder, { recursive: true })
    for (const hook of hooks) writeFileSync(join(folder, hook), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 })
  }

  it('of 12 kinds never run, wherever they lie', async () => {
    const folder = temporaryFolder()
    plant(join(folder, 'template', 'hooks'))
    plant(join(folder, 'hooks'))
    const config = join(folder, 'gitconfig')
    const fsmonitor = join(folder, 'hooks', 'fsmonitor-watchman')
    writeFileSync(
      config,
      `[core]\n\thooksPath = ${folder}/hooks\n\tfsmonitor = ${fsmonitor}\n[init]\n\ttemplateDir = ${folder}/template\n`,
    )
    const directory = temporaryFolder()
    const one = makeGit({ directory, gitConfigFile: config })
    const at = { url: server.url }
    await one.fetch(at)
    const mirror = join(directory, 'mirrors', readdirSync(join(directory, 'mirrors'))[0] ?? '')
    expect(existsSync(join(mirror, 'hooks', 'update'))).toBe(false)
    plant(join(mirror, 'hooks'))
    const base = (await one.fetch(at)).get('refs/heads/main') ?? ''
    const edits = [{ path: 'a.yaml', content: 'x: hooks\n' }]
    const note = { ref: 'flux', text: 'n' }
    const pushed = await one.commitAndPush(at, { branch: 'main', base, edits, message: 'm', author, note })
    expect(pushed.result).toBe('pushed')
    await one.moveTag(at, { tag: 'flux-sync', commit: base, expected: undefined, message: 'Sync pointer', author })
    await one.canWrite(at)
    expect(existsSync(canary)).toBe(false)
  })
})
