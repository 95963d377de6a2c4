import { describe, expect, it } from 'vitest'
import { causeOf, countChanges, imagesIn, isAbout } from './deployment.ts'

describe('the cause of an attempt', () => {
  it.each([
    ['requested by ann', 'ann'],
    ['requested by Ann Lee <ann@example.com> (rollback)', 'Ann Lee <ann@example.com>'],
    ['push to main', 'webhook'],
    ['periodic', 'periodic'],
    ['new revision', 'change'],
  ])('of %s is %s', (reason, by) => {
    expect(causeOf(reason)).toEqual({ by, why: reason })
  })
})

describe('what changed', () => {
  it('is counted, and each object that changed or failed has its line', () => {
    const change = { file: 'a.yaml', line: 1 }
    const changes = [
      { ...change, id: 'a:service/x', action: 'created' as const },
      { ...change, id: 'a:service/y', action: 'unchanged' as const },
      { ...change, id: 'a:service/z', action: 'failed' as const, reason: 'ApplyRefused' as const },
    ]
    expect(countChanges(changes, 7)).toEqual({
      counts: { created: 1, failed: 1, unchanged: 8 },
      changes: [
        { id: 'a:service/x', action: 'created', reason: '' },
        { id: 'a:service/z', action: 'failed', reason: 'ApplyRefused' },
      ],
    })
  })
})

describe('images of a manifest', () => {
  it('are those of its containers, each once', () => {
    const manifest = `
spec:
  containers:
  - image: app:1
    name: image
  - name: b
    image: "registry:5000/side:2" # why
  initContainers:
    - image: 'app:1'
  imagePullPolicy: Always
data:
  text: "image: none:1"
  image: {{ broken }}`
    expect(imagesIn(manifest)).toEqual(['app:1', 'registry:5000/side:2'])
  })
})

describe('what a record is about', () => {
  const record = {
    source: { kind: 'release' as const, namespace: 'team-a', name: 'podinfo' },
    changes: [{ id: 'demo:deployment/web', action: 'created', reason: '' }],
  }
  it.each([
    ['podinfo', true],
    ['team-a/podinfo', true],
    ['team-b/podinfo', false],
    ['web', false],
    ['demo:deployment/web', true],
    ['demo:deployment/we', false],
  ])('%s: %s', (what, is) => {
    expect(isAbout(record, what)).toBe(is)
  })
})
