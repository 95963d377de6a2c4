import type { Git, GitRemote, TreeFile } from '../../adapters/git/index.ts'
import { ignoreOf } from '../../domain/manifest/annotations.ts'
import { digestOf } from '../../domain/manifest/digest.ts'
import { idOf, keyOf, type KubeObject, type ObjectRef, refOf } from '../../domain/manifest/object.ts'
import { type ManifestObject, parseManifests } from '../../domain/manifest/parse.ts'
import { type ApiFacts, place } from '../../domain/manifest/place.ts'
import type { Problem } from '../../domain/manifest/problem.ts'
import { filesInScope } from '../../domain/source/scope.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { type Head, headObject, type SourceMemory } from './memory.ts'

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
  /** Whole objects of the blobs that were parsed for this very sync, so that what is applied now is not parsed twice. */
  fresh: ReadonlyMap<string, KubeObject[]>
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
  const fresh = await parseNew(scope.files, memory, where, { deps, signal })
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
    fresh,
  }
}

/** Whole objects of these heads, by key, with the namespace that placing gave them. Files that were not parsed just now are read again. */
export async function loadBodies(
  wanted: readonly DesiredObject[],
  fresh: Desired['fresh'],
  { git, remote }: Pick<DesiredDeps, 'git'> & { remote: GitRemote },
  signal: AbortSignal,
): Promise<Map<string, KubeObject>> {
  const byBlob = Map.groupBy(wanted, ({ blob }) => blob)
  const stale = [...byBlob.keys()].filter((blob) => !fresh.has(blob))
  const contents = stale.length > 0 ? await git.read(remote, stale, signal) : new Map<string, Uint8Array>()
  const bodies = new Map<string, KubeObject>()
  for (const [blob, objects] of byBlob) {
    const bytes = contents.get(blob)
    if (bytes) await breathe()
    const parsed = fresh.get(blob) ?? (bytes ? wholeObjects(objects[0]?.file ?? '', bytes) : [])
    for (const { key, index, ref } of objects) {
      const body = parsed[index]
      if (!body) continue
      const { namespace: _, ...metadata } = body.metadata
      bodies.set(key, { ...body, metadata: { ...metadata, ...(ref.namespace ? { namespace: ref.namespace } : {}) } })
    }
  }
  return bodies
}

function wholeObjects(file: string, bytes: Uint8Array): KubeObject[] {
  return parseManifests({ file, text: bytes }).objects.map(({ object }) => object)
}

async function parseNew(
  files: readonly TreeFile[],
  memory: SourceMemory,
  { remote }: { remote: GitRemote },
  { deps, signal }: { deps: DesiredDeps; signal: AbortSignal },
): Promise<Map<string, KubeObject[]>> {
  const fresh = new Map<string, KubeObject[]>()
  const unseen = new Map(files.filter(({ blob }) => !memory.blobs.has(blob)).map((file) => [file.blob, file]))
  if (unseen.size === 0) return fresh
  const contents = await deps.git.read(remote, [...unseen.keys()], signal)
  for (const [blob, { path }] of unseen) {
    await breathe()
    signal.throwIfAborted()
    const bytes = contents.get(blob)
    const { objects, problems, warnings } = bytes ? parseManifests({ file: path, text: bytes }) : unread(path)
    const heads = objects.map(({ object, line }, index) => ({
      object: headObject(object),
      line,
      index,
      digest: digestOf(object),
    }))
    memory.blobs.set(blob, { heads, problems, warnings })
    fresh.set(
      blob,
      objects.map(({ object }) => object),
    )
  }
  return fresh
}

function unread(file: string): ReturnType<typeof parseManifests> {
  return {
    objects: [],
    problems: [{ reason: 'InvalidYAML', file, line: 0, message: 'the file could not be read from git' }],
    warnings: [],
  }
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
