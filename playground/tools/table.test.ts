import { describe, expect, it } from 'vitest'
import { type Platform, tools } from './table.ts'
import { findVersion, fits } from './version.ts'

const linux: Platform = { os: 'linux', arch: 'amd64' }
const rows = Object.values(tools)

describe('the table of tools', () => {
  it.each(rows)('$name looks on PATH first and knows each other way that it names', (tool) => {
    expect(tool.ways[0]).toBe('path')
    expect(tool.ways.includes('apt')).toBe(tool.apt !== undefined)
    expect(tool.ways.includes('go')).toBe(tool.go !== undefined)
    expect(tool.ways.includes('official')).toBe(tool.official?.(linux) !== undefined)
    expect(tool.byHand).toMatch(/\.$/)
  })

  it.each([
    ['kube-apiserver', ['path', 'official', 'go']],
    ['helm', ['path', 'official', 'go']],
    ['kwok', ['path', 'official', 'go']],
    ['redis-server', ['path', 'apt']],
    ['etcd', ['path', 'apt', 'go']],
    ['docker-registry', ['path', 'apt', 'go']],
    ['kustomize', ['path', 'official', 'go']],
    ['git-secret', ['path', 'apt']],
    ['sops', ['path', 'official', 'go']],
    ['fluxctl', ['path', 'go']],
  ] as const)('%s comes by its own order of ways', (name, ways) => {
    expect(tools[name].ways).toEqual(ways)
  })

  it.each(rows.filter(({ go, official }) => go ?? official))(
    'the pinned $name would itself do',
    ({ version, fits: range }) => {
      const pinned = findVersion(version)
      expect(pinned && fits(pinned, range)).toBe(true)
    },
  )

  it('gives release files and where their sums are', () => {
    expect(tools['kube-apiserver'].official?.(linux)).toEqual({
      url: 'https://dl.k8s.io/v1.36.3/bin/linux/amd64/kube-apiserver',
      sums: 'https://dl.k8s.io/v1.36.3/bin/linux/amd64/kube-apiserver.sha256',
    })
    expect(tools.helm.official?.({ os: 'darwin', arch: 'arm64' })).toEqual({
      url: 'https://get.helm.sh/helm-v3.22.0-darwin-arm64.tar.gz',
      sums: 'https://get.helm.sh/helm-v3.22.0-darwin-arm64.tar.gz.sha256sum',
      member: 'darwin-arm64/helm',
    })
  })

  it('has no release file of a Kubernetes server for macOS, but one of kubectl', () => {
    const mac: Platform = { os: 'darwin', arch: 'arm64' }
    expect(tools['kube-apiserver'].official?.(mac)).toBeUndefined()
    expect(tools.kubectl.official?.(mac)?.url).toBe('https://dl.k8s.io/v1.36.3/bin/darwin/arm64/kubectl')
  })
})
