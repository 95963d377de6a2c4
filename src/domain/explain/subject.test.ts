import { describe, expect, it } from 'vitest'
import { parseSubject, type Subject } from './subject.ts'

const deployment = { apiVersion: 'apps/v1', kind: 'Deployment' }
const workload = (namespace: string): Subject => ({ kind: 'workload', namespace, object: deployment, name: 'web' })

describe('parseSubject', () => {
  it.each<[text: string, namespace: string, subject: Subject | undefined]>([
    ['deployment/web', '', workload('')],
    ['deployment/web', 'demo', workload('demo')],
    ['deploy/demo/web', 'other', workload('demo')],
    ['demo:deployment/web', 'other', workload('demo')],
    ['demo:Deployment/web', '', workload('demo')],
    ['demo:helmrelease/web', '', { kind: 'release', namespace: 'demo', name: 'web' }],
    ['demo:configmap/web', '', { kind: 'object', id: 'demo:configmap/web' }],
    ['<cluster>:clusterrole/a:b', '', { kind: 'object', id: '<cluster>:clusterrole/a:b' }],
    ['source/web', '', { kind: 'source', namespace: '', name: 'web' }],
    ['source/ops/web', '', { kind: 'source', namespace: 'ops', name: 'web' }],
    ['release/web', 'demo', { kind: 'release', namespace: 'demo', name: 'web' }],
    ['release/demo/web', '', { kind: 'release', namespace: 'demo', name: 'web' }],
    ['web', '', { kind: 'name', name: 'web' }],
    ['0123abc', '', { kind: 'commit', digits: '0123abc' }],
    ['0123ab', '', { kind: 'name', name: '0123ab' }],
    ['ghcr.io/me/web:1.2', '', { kind: 'image', image: { domain: 'ghcr.io', path: 'me/web', tag: '1.2' } }],
    ['127.0.0.1:5000/web', '', { kind: 'image', image: { domain: '127.0.0.1:5000', path: 'web' } }],
    ['nginx:1.2', '', { kind: 'image', image: { domain: '', path: 'nginx', tag: '1.2' } }],
    ['library/nginx', '', { kind: 'image', image: { domain: '', path: 'library/nginx' } }],
    ['a b', '', undefined],
    ['../../etc', '', undefined],
    ['', '', undefined],
  ])('%s in "%s"', (text, namespace, subject) => {
    expect(parseSubject(text, namespace)).toEqual(subject)
  })
})
