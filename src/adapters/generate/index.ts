import { writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ParseFiles } from '../../domain/manifest/parsed-file.ts'
import { inPortions } from '../../domain/manifest/portions.ts'
import type { Problem } from '../../domain/manifest/problem.ts'
import type { FluxConfig } from '../../domain/source/flux-config.ts'
import type { TreeEntry } from '../../domain/source/tree.ts'
import type { Run } from '../../lib/run.ts'
import { changesSince, type FileChange, takeSnapshot } from './changes.ts'
import { type CommandsAt, runGenerators, runUpdaters, type Updating } from './commands.ts'
import { operatorEnvironment } from '../../lib/operator-environment.ts'
import { filesBelow, newFiles } from './files.ts'
import { reveal } from './git-secret.ts'
import { type BuildAt, buildFolder } from './kustomize.ts'
import { applyPatchFile } from './patch.ts'
import type { Generated, Place } from './place.ts'
import { createScratch } from './scratch.ts'

export type { BuildAt } from './kustomize.ts'
export type { CommandsAt, Updating } from './commands.ts'
export type { FileChange } from './changes.ts'
export type { Generated } from './place.ts'

/** The files of one commit in a folder of their own. Paths are from the root of the repository. */
export type Checkout = {
  /** Bytes of a file; undefined when there is no such file, or it is larger than 5 MB. */
  read(path: string): Uint8Array | undefined
  /** The tree, with the files that are there and not in git. */
  tree(): Promise<TreeEntry[]>
  /** Decrypts what git-secret encrypted; gives what went wrong. */
  reveal(timeoutMs: number): Promise<Problem | undefined>
  /** What a `.flux.yaml` makes of a target. `timeoutMs` is for each command that has none of its own. */
  generate(config: Exclude<FluxConfig, { kind: 'scanForFiles' }>, at: CommandsAt): Promise<Generated>
  /**
   * Runs the updaters of a `.flux.yaml` and gives the files that they changed. What lies behind a symbolic link, and what git does not
   * have but was there before, must not be changed: then, as when a command fails, there is a problem and no change.
   */
  update(updates: readonly Updating[], at: CommandsAt): Promise<{ changes: FileChange[] } | { problem: Problem }>
  /** Puts a text in the place of a file, or beside the others. False where a link or a folder is there. */
  write(path: string, text: string): boolean
  /** What kustomize makes of a folder. */
  build(at: BuildAt): Promise<Generated>
}

/** Programs on the files of a commit: generators, kustomize, git-secret. What they do wrong is a Problem, never an exception. */
export type Generator<Remote> = {
  /** Exports a commit into a private folder, which is gone when `use` has ended, however. Rejects with the signal's reason. */
  withCheckout<T>(
    where: { remote: Remote; commit: string; tree: readonly TreeEntry[] },
    use: (checkout: Checkout) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T>
}

export type GeneratorOptions<Remote> = {
  run: Run
  /** Writes the files below a path of a commit into a directory that is empty or not there, no links (adapters/git). */
  export: (
    remote: Remote,
    commit: string,
    ...to: [path: string, directory: string, signal: AbortSignal]
  ) => Promise<void>
  parse: ParseFiles
  /** Where checkouts go; 0700, made if absent. This process' own, or shared with others on this machine. */
  directory: string
  /** `--generator-strict`: a generator fails with any stage of its pipeline. */
  strict: boolean
  /** `--kustomize-remote-bases`. */
  remoteBases: boolean
  /** The variables of this process; ours are left out. */
  environment: Readonly<Record<string, string | undefined>>
  /** GnuPG's home with the keys for git-secret. */
  gnupgHome?: string
  /** A name on PATH or an absolute path. */
  kustomizeBinary: string
}

/** Generators, kustomize and git-secret as child processes, in checkouts below one folder. */
export function createGenerator<Remote>(options: GeneratorOptions<Remote>): Generator<Remote> {
  const { directory, run, parse, strict, remoteBases, gnupgHome, kustomizeBinary } = options
  const scratch = createScratch({ directory, run })
  const environment = operatorEnvironment(options.environment)
  return {
    withCheckout: ({ remote, commit, tree }, use, signal) =>
      scratch(async (folder) => {
        const root = join(folder, 'tree')
        await mkdir(root)
        await options.export(remote, commit, '', root, signal)
        const common = { run, parse, signal, strict, remoteBases, kustomizeBinary, gnupgHome, environment }
        return use(openCheckout(tree, { ...common, root, scratch: folder }))
      }),
  }
}

function openCheckout(tree: readonly TreeEntry[], place: Place): Checkout {
  return {
    read: (path) => filesBelow(place.root).bytes(path),
    tree: async () => [...tree, ...(await newFiles(place.root, tree))],
    reveal: (timeoutMs) => reveal(timeoutMs, place),
    async generate(config, at) {
      const printed = await runGenerators(config.generators, at, place)
      if ('problem' in printed) return printed
      if (config.kind === 'patchUpdated') return applyPatchFile(printed.text, config.patchFile, at, place)
      return { texts: inPortions(printed.text), warnings: [] }
    },
    async update(updates, at) {
      const before = await takeSnapshot(place.root)
      const problem = await runUpdaters(updates, at, place)
      if (problem) return { problem }
      const { changes, tooLarge } = await changesSince(before, place.root)
      const known = new Set(tree.map(({ path }) => path))
      const refused =
        tooLarge[0] ??
        changes.find(({ path }) => isBehindLink(path, tree) || (before.has(path) && !known.has(path)))?.path
      if (refused === undefined) return { changes }
      const message = `an updater changed ${refused}, which is too large, lies behind a link or is not in git`
      return { problem: { reason: 'GeneratorFailed', file: at.file, line: 0, message } }
    },
    write(path, text) {
      const files = filesBelow(place.root)
      const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')))
      if (files.kindOf(folder) !== 'folder' || files.kindOf(path) === 'folder' || isBehindLink(path, tree)) return false
      writeFileSync(join(place.root, path), text)
      return true
    },
    async build(at) {
      const built = await buildFolder(at, place)
      return 'problem' in built ? built : { texts: inPortions(built.text), warnings: [] }
    },
  }
}

/** A symbolic link in git, or a copy of what it leads to. */
function isBehindLink(path: string, tree: readonly TreeEntry[]): boolean {
  return tree.some(({ mode, path: link }) => mode === 'symlink' && (path === link || path.startsWith(`${link}/`)))
}
