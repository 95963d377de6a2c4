import { describe, expect, it } from 'vitest'
import { parseId, parseImage, repositoryOf } from './names.ts'

describe('a workload', () => {
  it.each([
    ['deployment/web', 'here:deployment/web'],
    ['DaemonSet/web', 'here:daemonset/web'],
    ['demo:deployment/web', 'demo:deployment/web'],
    ['<cluster>:thing/a.b:c', '<cluster>:thing/a.b:c'],
  ])('%s is %s', (text, id) => {
    expect(parseId('here', text)).toBe(id)
  })

  it.each(['', 'web', 'a/b/c', 'a:b', 'a b/c'])('is not `%s`', (text) => {
    expect(() => parseId('here', text)).toThrow(`parsing ${text}: invalid service ID`)
  })
})

describe('an image', () => {
  it.each([
    ['alpine:1.5', { domain: '', image: 'alpine', tag: '1.5', sha: '' }],
    ['weaveworks/scope', { domain: '', image: 'weaveworks/scope', tag: '', sha: '' }],
    ['quay.io/weave/scope:1', { domain: 'quay.io', image: 'weave/scope', tag: '1', sha: '' }],
    ['127.0.0.1:5000/foo:bar', { domain: '127.0.0.1:5000', image: 'foo', tag: 'bar', sha: '' }],
    ['registry:5000/foo:bar', { domain: 'registry:5000', image: 'foo', tag: 'bar', sha: '' }],
    ['localhost/foo', { domain: 'localhost', image: 'foo', tag: '', sha: '' }],
    ['a/b/c:1@sha256:ff', { domain: 'a', image: 'b/c', tag: '1', sha: 'ff' }],
  ])('%s is taken apart', (text, ref) => {
    const { domain, image } = ref
    expect(parseImage(text)).toEqual(ref)
    expect(repositoryOf(ref)).toBe(domain ? `${domain}/${image}` : image)
  })

  it.each([
    ['', 'blank image name'],
    ['/foo', 'expected image name as either'],
    ['foo/', 'expected image name as either'],
    ['foo:', 'expected image name as either'],
    ['a:1:2', 'expected image name as either'],
    ['foo@sha256:', 'expected image name as either'],
  ])('is not `%s`', (text, why) => {
    expect(() => parseImage(text)).toThrow(why)
  })
})
