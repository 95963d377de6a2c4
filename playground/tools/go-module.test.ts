import { describe, expect, it } from 'vitest'
import { goModText } from './go-module.ts'

const source = {
  module: 'k8s.io/kubernetes',
  version: 'v1.36.3',
  package: 'k8s.io/kubernetes/cmd/kubectl',
  ldflags: [],
  minutes: 1,
}

describe('goModText', () => {
  it('replaces each sibling by its published version', () => {
    const file = {
      Go: '1.26.0',
      Godebug: [{ Key: 'default', Value: 'go1.26' }],
      Require: [
        { Path: 'k8s.io/api', Version: 'v0.0.0' },
        { Path: 'github.com/spf13/cobra', Version: 'v1.9.1' },
        { Path: 'k8s.io/kubectl', Version: 'v0.0.0' },
      ],
    }
    expect(goModText({ ...source, staging: 'v0.36.3' }, file)).toBe(`module capstan.tools/build
go 1.26.0
godebug default=go1.26
require k8s.io/kubernetes v1.36.3
replace k8s.io/api => k8s.io/api v0.36.3
replace k8s.io/kubectl => k8s.io/kubectl v0.36.3
`)
  })

  it('requires a module without siblings as it is', () => {
    expect(
      goModText({ ...source, module: 'sigs.k8s.io/kwok', version: 'v0.8.0' }, { Go: '1.24.0', Require: null }),
    ).toBe(`module capstan.tools/build
go 1.24.0
require sigs.k8s.io/kwok v0.8.0
`)
  })

  it('refuses siblings whose published version is not known', () => {
    expect(() => goModText(source, { Require: [{ Path: 'k8s.io/api', Version: 'v0.0.0' }] })).toThrow(
      'k8s.io/api as v0.0.0',
    )
  })

  it('builds an old module with the versions that it asks for', () => {
    const old = { ...source, module: 'example.com/old', version: 'v1.0.0' }
    const Replace = [
      { Old: { Path: 'example.com/a' }, New: { Path: 'example.com/fork', Version: 'v1.2.3' } },
      { Old: { Path: 'example.com/old/part' }, New: { Path: './part' } },
    ]
    expect(
      goModText({ ...old, replaces: { 'example.com/old/part': 'v0.1.0' } }, { Go: '1.16', Replace }),
    ).toBe(`module capstan.tools/build
go 1.16
require example.com/old v1.0.0
replace example.com/a => example.com/fork v1.2.3
replace example.com/old/part => example.com/old/part v0.1.0
`)
    expect(() => goModText({ ...old, replaces: {} }, { Replace })).toThrow('example.com/old/part')
  })
})
