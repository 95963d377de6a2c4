import type { Git, GitRemote, TreeFile } from '../../adapters/git/index.ts'
import { ignoreOf } from '../../domain/manifest/annotations.ts'
import { digestOf } from '../../domain/manifest/digest.ts'
import { idOf, keyOf, type KubeObject, type ObjectRef, refOf } from '../../domain/manifest/object.ts'
import { type ManifestObject, parseManifests } from '../../domain/manifest/parse.ts'
import { type ApiFacts, place } from '../../domain/manifest/place.ts'
import type { Problem } from '../../domain/manifest/problem.ts'
import { filesInScope } from '../../domain/source/scope.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { type Head, headObject, type ParsedBlob, type SourceMemory } from './memory.ts'

/** One object that git wants, placed in its namespace. */
export type DesiredObject = {
  key: string
  ref: ObjectRef
  id: string
  file: string
  line: number
  digest: string
  ignored: boolean
  blob: string
  index: number
}

/** The desired state at one commit. */
export type Desired = {
  objects: DesiredObject[]
  /** Keys that git defines but that must not be applied: duplicates, unknown kinds, foreign namespaces. Never pruned. */
  withheld: ReadonlySet<string>
  /** What could not be loaded; while there is one, nothing is pruned (ruling 7c). */
  problems: Problem[]
  warnings: Problem[]
}

type Found = ManifestObject & { blob: string; head: Head }

export type DesiredDeps = {
  git: Pick<Git, 'tree' | 'read'>
  /** Scope of a kind by discovery; undefined when the cluster does not serve it. */
  scopeOf: (apiVersion: string, kind: string) => Promise<{ namespaced: boolean } | undefined>
}

/** Reads the files of a commit, parses those that were not seen before, and places every object. Throws PathNotFound. */
export async function loadDesired(
  where: { spec: SourceSpec; remote: GitRemote; commit: string },
  memory: SourceMemory,
  deps: DesiredDeps,
  signal: AbortSignal,
): Promise<Desired> {
  const { spec, remote, commit } = where
  const tree = await deps.git.tree(remote, commit, [], signal)
  const scope = filesInScope(tree, spec.paths)
  await parseNew(scope.files, memory, where, deps, signal)
  forgetOthers(memory, scope.files)

  const problems: Problem[] = [...scope.problems]
  const warnings: Problem[] = []
  const found: Found[] = []
  for (const { path, blob } of scope.files) {
    const parsed = memory.blobs.get(blob)
    if (!parsed) continue
    problems.push(...parsed.problems.map((problem) => ({ ...problem, file: path })))
    warnings.push(...parsed.warnings.map((warning) => ({ ...warning, file: path })))
    for (const head of parsed.heads) found.push({ object: head.object, file: path, line: head.line, blob, head })
  }
  const facts = await readFacts(found, deps)
  const placed = place(found, {
    facts,
    defaultNamespace: spec.defaultNamespace,
    allowedNamespaces: spec.allowedNamespaces,
  })
  problems.push(...placed.problems)
  return {
    objects: placed.objects.map(toDesired),
    withheld: placed.withheld,
    problems,
    warnings: [...warnings, ...placed.warnings],
  }
}

/** Whole objects of these heads, by key, with the namespace that placing gave them. Reads and parses their files again. */
export async function loadBodies(
  wanted: readonly DesiredObject[],
  remote: GitRemote,
  deps: Pick<DesiredDeps, 'git'>,
  signal: AbortSignal,
): Promise<Map<string, KubeObject>> {
  const byBlob = Map.groupBy(wanted, ({ blob }) => blob)
  const contents = await deps.git.read(remote, [...byBlob.keys()], signal)
  const bodies = new Map<string, KubeObject>()
  for (const [blob, objects] of byBlob) {
    await breathe()
    const first = objects[0]
    const bytes = contents.get(blob)
    if (!first || !bytes) continue
    const parsed = parseManifests({ file: first.file, text: bytes })
    for (const { key, index, ref } of objects) {
      const body = parsed.objects[index]?.object
      if (!body) continue
      const { namespace: _, ...metadata } = body.metadata
      bodies.set(key, { ...body, metadata: { ...metadata, ...(ref.namespace ? { namespace: ref.namespace } : {}) } })
    }
  }
  return bodies
}

async function parseNew(
  files: readonly TreeFile[],
  memory: SourceMemory,
  { remote }: { remote: GitRemote },
  deps: DesiredDeps,
  signal: AbortSignal,
): Promise<void> {
  const unseen = new Map(files.filter(({ blob }) => !memory.blobs.has(blob)).map((file) => [file.blob, file]))
  if (unseen.size === 0) return
  const contents = await deps.git.read(remote, [...unseen.keys()], signal)
  for (const [blob, { path }] of unseen) {
    await breathe()
    signal.throwIfAborted()
    memory.blobs.set(blob, parseBlob(path, contents.get(blob)))
  }
}

function parseBlob(file: string, bytes: Uint8Array | undefined): ParsedBlob {
  if (!bytes) {
    return {
      heads: [],
      problems: [{ reason: 'InvalidYAML', file, line: 0, message: 'the file could not be read from git' }],
      warnings: [],
    }
  }
  const { objects, problems, warnings } = parseManifests({ file, text: bytes })
  const heads = objects.map(({ object, line }, index) => ({
    object: headObject(object),
    line,
    index,
    digest: digestOf(object),
  }))
  return { heads, problems, warnings }
}

/** Only the blobs of the newest revision stay; a file that comes back is parsed again. */
function forgetOthers(memory: SourceMemory, files: readonly TreeFile[]): void {
  const wanted = new Set(files.map(({ blob }) => blob))
  for (const blob of memory.blobs.keys()) if (!wanted.has(blob)) memory.blobs.delete(blob)
}

async function readFacts(objects: readonly ManifestObject[], deps: DesiredDeps): Promise<ApiFacts> {
  const kinds = new Map(
    objects.map(({ object: { apiVersion, kind } }) => [`${apiVersion} ${kind}`, { apiVersion, kind }]),
  )
  const scopes = new Map<string, { namespaced: boolean } | undefined>()
  await Promise.all(
    [...kinds].map(async ([key, { apiVersion, kind }]) => scopes.set(key, await deps.scopeOf(apiVersion, kind))),
  )
  return (apiVersion, kind) => scopes.get(`${apiVersion} ${kind}`)
}

function toDesired({ object, file, line, blob, head }: Found): DesiredObject {
  const ref = refOf(object)
  return {
    key: keyOf(ref),
    ref,
    id: idOf(ref),
    file,
    line,
    digest: head.digest,
    ignored: ignoreOf(object) === 'true',
    blob,
    index: head.index,
  }
}

/** Lets the event loop turn between files, so that locks are renewed while a big repository is parsed (hazard B13). */
async function breathe(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
}
