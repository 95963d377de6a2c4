import { describe, expect, it } from 'vitest'
import { parseId } from './object-id.ts'

describe('parseId', () => {
  it.each([
    ['an ID', 'demo:Deployment/web', { namespace: 'demo', kind: 'deployment', name: 'web' }],
    ['one of the cluster', '<cluster>:namespace/demo', { namespace: '<cluster>', kind: 'namespace', name: 'demo' }],
    [
      'a name with dots and colons',
      'a:clusterrole/system:x.y',
      { namespace: 'a', kind: 'clusterrole', name: 'system:x.y' },
    ],
    ['the older form', 'demo/web', { namespace: 'demo', kind: 'service', name: 'web' }],
    ['no kind', 'demo:web', undefined],
    ['no namespace', ':deployment/web', undefined],
    ['nothing', '', undefined],
    ['a path', 'a:deployment/../b', undefined],
  ])('reads %s', (_what, text, expected) => {
    expect(parseId(text)).toEqual(expected)
  })
})
