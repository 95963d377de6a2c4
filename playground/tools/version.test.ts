import { describe, expect, it } from 'vitest'
import { findVersion, fits } from './version.ts'

describe('findVersion', () => {
  it.each([
    ['kube-apiserver', 'Kubernetes v1.36.3', [1, 36, 3], undefined],
    ['kubectl', 'Client Version: v1.36.3\nKustomize Version: v5.8.1', [1, 36, 3], undefined],
    ['a kubectl that is not the release', 'Client Version: v1.32.4-dispatcher', [1, 32, 4], 'dispatcher'],
    ['helm', 'v3.22.0+g1234abc', [3, 22, 0], undefined],
    ['kwok', 'kwok version v0.8.0 go1.26.8 (linux/amd64)', [0, 8, 0], undefined],
    ['etcd', 'etcd Version: 3.4.23\nGit SHA: x\nGo Version: go1.19.8', [3, 4, 23], undefined],
    ['redis', 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0', [7, 0, 15], undefined],
    ['valkey', 'Valkey server v=8.0.1 sha=00000000:0', [8, 0, 1], undefined],
    ['Debian’s registry', 'docker-registry github.com/docker/distribution 2.8.2+ds1', [2, 8, 2], undefined],
    ['registry 3', 'registry github.com/distribution/distribution/v3 v3.0.0', [3, 0, 0], undefined],
    ['git', 'git version 2.39.5 (Apple Git-154)', [2, 39, 5], undefined],
    ['a version of two numbers', 'tool 1.7', [1, 7, 0], undefined],
  ])('reads what %s prints', (_name, text, numbers, pre) => {
    expect(findVersion(text)).toMatchObject({ numbers, ...(pre && { pre }) })
    expect(findVersion(text)?.pre).toBe(pre)
  })

  it('finds none in a text without one', () => {
    expect(findVersion('unknown command')).toBeUndefined()
  })
})

describe('fits', () => {
  const range = { from: '1.36.0', below: '1.37.0' }
  it.each([
    ['the lower end', '1.36.0', true],
    ['a later patch', '1.36.12', true],
    ['the upper end', '1.37.0', false],
    ['an older minor', '1.35.9', false],
    ['a pre-release', '1.36.3-rc.1', false],
    ['a build with metadata', '1.36.3+vendor', true],
  ])('%s', (_name, text, wanted) => {
    const version = findVersion(text)
    expect(version && fits(version, range)).toBe(wanted)
  })
})
