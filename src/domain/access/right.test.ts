import { describe, expect, it } from 'vitest'
import { namespacesOf, printRight, rightsToSeeWhole } from './right.ts'

describe('the namespaces of workloads', () => {
  it.each([
    ['one', ['a:deployment/x'], ['a']],
    ['each once', ['a:deployment/x', 'b:deployment/x', 'a:daemonset/y'], ['a', 'b']],
    ['all where none is named', [], ['']],
    ['all for every workload', ['<all>'], ['']],
    ['all as soon as one is not understood', ['a:deployment/x', 'deployment/y'], ['']],
    ['all for what has no namespace', ['<cluster>:namespace/x'], ['']],
    ['all for a text that only looks like one', ['a:/x'], ['']],
  ])('are %s', (_what, workloads, namespaces) => {
    expect(namespacesOf(workloads)).toEqual(namespaces)
  })
})

describe('a right', () => {
  it('is told in the words of kubectl', () => {
    expect(printRight({ verb: 'sync', resource: 'sources', namespace: 'a', name: 'x' })).toBe(
      'sync sources.capstan.dev in namespace a',
    )
    expect(printRight({ verb: 'list', resource: 'jobs', namespace: '' })).toBe(
      'list jobs.capstan.dev in all namespaces',
    )
  })

  it('to see objects whole is what an export takes', () => {
    expect(rightsToSeeWhole('').map(printRight)).toEqual([
      'list workloads.capstan.dev in all namespaces',
      'release workloads.capstan.dev in all namespaces',
    ])
  })
})
