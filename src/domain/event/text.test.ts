import { describe, expect, it } from 'vitest'
import { autoReleaseText, changedImages, commitText, releaseText, syncText } from './text.ts'

const revisions = ['1', '2', '3'].map((digit) => ({ revision: digit.repeat(40), message: '' }))
const spec = { ServiceSpecs: ['<all>'], ImageSpec: 'app:2', Kind: 'execute' as const, Excludes: [], Force: false }

describe("fluxd's sentences", () => {
  it.each([
    ['no commit', [], [], 'Sync: <no revision>, no workloads changed'],
    ['one commit', revisions.slice(0, 1), ['b', 'a'], 'Sync: 111111111111, a, b'],
    ['two commits', revisions.slice(0, 2), [], 'Sync: 111111111111, no workloads changed'],
    ['three commits', revisions, [], 'Sync: 333333333333..111111111111, no workloads changed'],
  ])('a sync of %s', (_what, commits, ids, text) => {
    expect(syncText({ commits }, ids)).toBe(text)
  })

  it('a release to all, by nobody, that changed nothing', () => {
    const metadata = {
      Revision: '',
      result: {},
      spec: { Type: 'releaseImageSpecType' as const, ReleaseImageSpec: spec, ReleaseContainersSpec: null },
      cause: { User: '', Message: '' },
    }
    expect(releaseText(metadata, ['a'])).toBe('Released: no image changes to all workloads')
    const one = { ...metadata, spec: { ...metadata.spec, ReleaseImageSpec: { ...spec, ServiceSpecs: ['a'] } } }
    expect(releaseText(one, [])).toBe('Released: no image changes to no workloads')
  })

  it('images are named once, and only those that were set', () => {
    const PerContainer = ['app:2', 'app:1', 'app:2'].map((Target) => ({ Container: 'c', Current: '', Target }))
    const result = {
      a: { Status: 'success' as const, PerContainer },
      b: { Status: 'ignored' as const, PerContainer: [] },
    }
    expect(changedImages(result)).toEqual(['app:1', 'app:2'])
    expect(autoReleaseText({ result })).toBe('Automated release of app:1, app:2')
    expect(commitText('1'.repeat(40), ['a'])).toBe('Commit: 111111111111, a')
  })
})
