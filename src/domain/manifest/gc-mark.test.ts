import { describe, expect, it } from 'vitest'
import { checksumAnnotation, gcMarkLabel } from './annotations.ts'
import { gcMark, syncSetName, withSyncMeta } from './gc-mark.ts'
import type { KubeObject } from './object.ts'

const safeUrl = 'ssh://git@github.com/fluxcd/flux-get-started'
// Made with fluxd's own Go functions.
const syncSet = 'aBqHLTvk4pWff65LXXwheu1mmzfQkdC96YNjgC-1u0Q'

describe('what fluxd would have written', () => {
  it('is the name of the sync set', () => {
    expect(syncSetName({ safeUrl, branch: 'master', paths: [] })).toBe(syncSet)
    expect(syncSetName({ safeUrl, branch: 'master', paths: ['namespaces', 'workloads'] })).toBe(
      '-pqIRfAJPfVJ2vnNArkckfQYfyg4QTwfNzzk3-7Lnf0',
    )
  })

  it.each([
    [{ kind: 'Deployment', namespace: 'demo', name: 'podinfo' }, 'sha256.BhHY4aw2RoJbixnOKQD-rhRxC3rJpgatGRErCSLo07w'],
    [{ kind: 'Namespace', name: 'demo' }, 'sha256.3xa9FRFtnbm0cAHvO6Lta6l0xPtwpoiQBqRt4-XxOD0'],
  ])('is the mark of an object', (ref, expected) => {
    expect(gcMark(syncSet, ref)).toBe(expected)
  })
})

describe('mark and checksum', () => {
  const object: KubeObject = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a', labels: { b: 'c' } } }

  it('are added to what the object says, which is not changed itself', () => {
    const marked = withSyncMeta(object, { mark: 'm', checksum: 's' })
    expect(marked.metadata.labels).toEqual({ [gcMarkLabel]: 'm', b: 'c' })
    expect(marked.metadata.annotations).toEqual({ [checksumAnnotation]: 's' })
    expect(object.metadata).toEqual({ name: 'a', labels: { b: 'c' } })
  })

  it('take the place of a mark that was exported into git', () => {
    const copied = { ...object, metadata: { name: 'a', labels: { [gcMarkLabel]: 'old' } } }
    expect(withSyncMeta(copied, { mark: 'm', checksum: 's' }).metadata.labels).toEqual({ [gcMarkLabel]: 'm' })
  })
})
