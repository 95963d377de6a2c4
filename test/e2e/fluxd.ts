import { createHash } from 'node:crypto'
import { gcMark, syncSetName, withSyncMeta } from '../../src/domain/manifest/gc-mark.ts'
import { type KubeObject, refOf } from '../../src/domain/manifest/object.ts'
import { safeUrl } from '../../src/domain/source/git-url.ts'
import { kubectl } from '../adoption/world.ts'
import type { Repository } from './repository.ts'

/** What fluxd did to a cluster and to its repository, with the programs that it used: kubectl and git. */
export type Fluxd = {
  /** The mark that this fluxd put on an object. */
  mark(object: KubeObject): string
  /** The object as fluxd handed it to kubectl: with its mark, and the SHA-1 of its manifest. */
  marked(object: KubeObject): KubeObject
  /** One `kubectl apply -f -` of everything, client-side, then `kubectl delete -f -` of what left git; moves the tag to HEAD. */
  sync(wanted: readonly KubeObject[], left?: readonly KubeObject[]): Promise<void>
}

/** A fluxd that followed these paths of `main` of the repository (flux-v1 §§9.5, 10, 11, 12). */
export function fluxdOf(repository: Repository, paths: readonly string[]): Fluxd {
  const set = syncSetName({ safeUrl: safeUrl(repository.url), branch: 'main', paths })
  const mark = (object: KubeObject) => gcMark(set, refOf(object))
  const marked = (object: KubeObject) => {
    const checksum = createHash('sha1').update(JSON.stringify(object)).digest('hex')
    return withSyncMeta(object, { mark: mark(object), checksum })
  }
  return {
    mark,
    marked,
    async sync(wanted, left = []) {
      await kubectl(['apply', '-f', '-'], documents(wanted.map(marked)))
      if (left.length > 0) await kubectl(['delete', '-f', '-'], documents(left))
      await repository.git('tag', '-f', '-a', '-m', 'Sync pointer', 'flux-sync')
      await repository.git('push', '-q', '--force', 'origin', 'refs/tags/flux-sync')
    },
  }
}

/** The commit that the tag on the server points to, and what the tag says. */
export async function syncTag(repository: Repository): Promise<{ commit: string; message: string }> {
  await repository.git('fetch', '-q', '--force', 'origin', 'refs/tags/flux-sync:refs/tags/flux-sync')
  return {
    commit: await repository.git('rev-parse', 'flux-sync^{commit}'),
    message: await repository.git('tag', '-l', '--format=%(contents:subject)', 'flux-sync'),
  }
}

function documents(objects: readonly KubeObject[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n')
}
