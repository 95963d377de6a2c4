import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGenerator } from '../../src/adapters/generate/index.ts'
import type { GitRemote } from '../../src/adapters/git/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { parseFile } from '../../src/domain/manifest/parse-file.ts'
import { fluxdSource, type SourceSpec } from '../../src/domain/source/spec.ts'
import { type Rendered, renderSource } from '../../src/jobs/sync-source/render.ts'
import { startGitServer } from '../git/git-server.ts'
import { makeGit } from '../git/make-git.ts'
import { stack } from '../stack/stack.ts'

export type Settings = {
  strict?: boolean
  remoteBases?: boolean
  environment?: Record<string, string>
  gnupgHome?: string
  kustomizeBinary?: string
}

/** A repository, and what becomes of a commit of it with the real bash, git, kustomize and git-secret. */
export type Workbench = {
  /** A folder of the test's own. */
  folder: string
  /** Replaces the files of the repository; `-> x` is a link. */
  write(files: Record<string, string>): string
  /** Makes the repository equal to a work tree, bytes and all, but for what git ignores there. */
  adopt(workTree: string): void
  render(spec: Partial<SourceSpec>, settings?: Settings, signal?: AbortSignal): Promise<Rendered>
  /** What checkouts left behind. */
  leftovers(): string[]
  close(): Promise<void>
}

export const path = (): string => `${stack().binDir}:${process.env.PATH ?? ''}`

export async function startWorkbench(): Promise<Workbench> {
  const server = await startGitServer()
  const folder = mkdtempSync(join(tmpdir(), 'capstan-generate-'))
  const directory = join(folder, 'checkouts')
  const git = makeGit({ directory: join(folder, 'git') })
  const remote: GitRemote = { url: server.url }
  const run = createRun({ redact: (text) => text.replaceAll('hunter2', '***') })
  let commit = ''
  let files: string[] = []

  async function render(spec: Partial<SourceSpec>, settings: Settings = {}, signal = new AbortController().signal) {
    await git.fetch(remote)
    const generator = createGenerator<GitRemote>({
      run,
      export: (...request) => git.export(...request),
      parse: async (texts) => texts.map(parseFile),
      directory,
      strict: true,
      remoteBases: false,
      kustomizeBinary: join(stack().binDir, 'kustomize'),
      ...settings,
      environment: { PATH: path(), ...settings.environment },
    })
    const tree = await git.tree(remote, commit, [])
    return renderSource({ spec: specOf(server.url, spec), remote, commit, tree }, { generator }, signal)
  }

  return {
    folder,
    write(contents) {
      const gone = Object.fromEntries(files.map((file) => [file, undefined]))
      files = Object.keys(contents)
      commit = server.commit({ ...gone, ...contents })
      return commit
    },
    adopt(workTree) {
      const inTree = (...args: string[]) => {
        const env = { PATH: path(), HOME: folder, GIT_CONFIG_NOSYSTEM: '1' }
        const identity = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.com']
        const { status, stdout, stderr } = spawnSync('git', [...identity, ...args], { cwd: workTree, env })
        if (status !== 0) throw new Error(stderr.toString())
        return stdout.toString().trim()
      }
      inTree('add', '--all')
      inTree('commit', '--quiet', '--allow-empty', '--message', 'change')
      inTree('push', '--quiet', '--force', server.repository, 'HEAD:refs/heads/main')
      commit = inTree('rev-parse', 'HEAD')
      files = inTree('ls-files').split('\n')
    },
    render,
    leftovers: () => readdirSync(directory),
    async close() {
      await server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function specOf(url: string, spec: Partial<SourceSpec>): SourceSpec {
  return {
    ...fluxdSource,
    namespace: 'default',
    name: 'test',
    url,
    ref: { kind: 'branch', value: 'main' },
    branch: 'main',
    paths: [],
    maxBytes: 200_000_000,
    maxObjects: 100_000,
    pollIntervalMs: 60_000,
    syncIntervalMs: 60_000,
    syncTimeoutMs: 60_000,
    defaultNamespace: 'default',
    ...spec,
  }
}

/** A `.flux.yaml` with one command. */
export function commandFile(command: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({ version: 1, commandUpdated: { generators: [{ command, ...more }] } })
}

export function configMap(name: string, data: Record<string, string> = {}): string {
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })}\n`
}
