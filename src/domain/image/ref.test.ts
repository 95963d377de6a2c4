import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  familiarName,
  isAncestral,
  isInsecureHost,
  isSameRef,
  parseRef,
  printRef,
  repositoryOf,
  splitRepository,
  withTag,
} from './ref.ts'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`

describe('parseRef', () => {
  const rows: [why: string, text: string, canonical: string, tag: string | undefined][] = [
    ['a library image has no domain', 'alpine:3.5', 'index.docker.io/library/alpine', '3.5'],
    ['no tag', 'alpine', 'index.docker.io/library/alpine', undefined],
    ['two elements without a host are on Docker Hub', 'weaveworks/scope:1', 'index.docker.io/weaveworks/scope', '1'],
    ['docker.io is Docker Hub', 'docker.io/fluxcd/flux:1.1.0', 'index.docker.io/fluxcd/flux', '1.1.0'],
    ['docker.io with one element gets library', 'docker.io/alpine:1', 'index.docker.io/library/alpine', '1'],
    ['index.docker.io, too', 'index.docker.io/alpine', 'index.docker.io/library/alpine', undefined],
    ['a dotted host', 'quay.io/app:1', 'quay.io/app', '1'],
    ['localhost', 'localhost/app:1', 'localhost/app', '1'],
    ['localhost with a port', 'localhost:5000/path/to/repo/alpine:3.5', 'localhost:5000/path/to/repo/alpine', '3.5'],
    ['a host with a port and no dot is a host', 'registry:5000/app:1', 'registry:5000/app', '1'],
    ['an address with a port', '127.0.0.1:15000/app:v1', '127.0.0.1:15000/app', 'v1'],
    ['of three elements the first is always the host', 'a/b/c:1', 'a/b/c', '1'],
    ['a digest', `quay.io/app@${digest}`, 'quay.io/app', undefined],
    ['a tag and a digest', `quay.io/app:1.2@${digest}`, 'quay.io/app', '1.2'],
    ['underscores and dashes', 'gcr.io/a_b/c-d.e:x_Y-z.1', 'gcr.io/a_b/c-d.e', 'x_Y-z.1'],
  ]
  it.each(rows)('%s: %s', (_, text, canonical, tag) => {
    const ref = parseRef(text)
    expect(ref && { text: printRef(ref), canonical: repositoryOf(ref), tag: ref.tag }).toEqual({ text, canonical, tag })
  })

  it.each([
    '',
    '/alpine',
    'alpine/',
    'alpine:',
    ':1',
    'a/b/',
    'a:b:c',
    'quay.io/a:b:c',
    'quay.io//a',
    '{{ .Values.image }}',
    'alpine:1 ',
    'alpine@sha256:12',
    `a@${digest}@${digest}`,
    `alpine:${'x'.repeat(129)}`,
    'quay.io/../a',
    'quay.io/a?b',
    'user@host/a/b',
    `quay.io/${'a/'.repeat(130)}b`,
  ])('refuses %j', (text) => {
    expect(parseRef(text)).toBeUndefined()
  })

  it.each([
    ['alpine:1', true],
    ['team/app:1', true],
    ['quay.io:443/app:1', true],
    ['localhost:5000/app:1', true],
    ['registry:5000/team/app:1', true],
    ['registry:5000/app', true],
    ['registry:5000/app:1', false],
    [`registry:5000/app@${digest}`, true],
    [`registry:5000/app:1@${digest}`, false],
    [`app:1@${digest}`, true],
    [`app:1@${digest.replace('sha256', 'sha512')}`, false],
  ])('says of %s whether the ancestors can read it: %s', (text, expected) => {
    expect(parseRef(text)).toBeDefined()
    expect(isAncestral(text)).toBe(expected)
  })

  it('prints what it parsed, whatever it is', () => {
    const element = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9.-]{0,10}[a-zA-Z0-9]$/)
    const tag = fc.option(fc.stringMatching(/^\w[\w.-]{0,20}$/), { nil: undefined })
    fc.assert(
      fc.property(fc.array(element, { minLength: 1, maxLength: 4 }), tag, fc.boolean(), (path, given, pinned) => {
        const text = `${path.join('/')}${given === undefined ? '' : `:${given}`}${pinned ? `@${digest}` : ''}`
        const ref = parseRef(text)
        expect(ref && printRef(ref)).toBe(text)
        const canonical = repositoryOf(ref ?? { domain: '', path: '' })
        expect(splitRepository(canonical)).toBeDefined()
        const again = parseRef(canonical)
        if (again?.domain) expect(repositoryOf(again)).toBe(canonical)
      }),
    )
  })
})

describe('withTag', () => {
  it('transplants the tag and keeps the form', () => {
    expect(printRef(withTag(parseRef('alpine:3.5') ?? fail(), '3.6'))).toBe('alpine:3.6')
    expect(printRef(withTag(parseRef('docker.io/alpine') ?? fail(), '3.6'))).toBe('docker.io/alpine:3.6')
  })
  it('keeps a digest, which the ancestor lost in print', () => {
    expect(printRef(withTag(parseRef(`a:1@${digest}`) ?? fail(), '2'))).toBe(`a:2@${digest}`)
  })
})

describe('isSameRef', () => {
  it.each([
    ['alpine:1', 'alpine:1', true],
    ['alpine:1', 'alpine:2', false],
    ['alpine', 'alpine:latest', false],
    [`alpine:1@${digest}`, 'alpine:1', false],
  ])('%s and %s: %s', (a, b, same) => {
    expect(isSameRef(parseRef(a) ?? fail(), parseRef(b) ?? fail())).toBe(same)
  })
})

describe('splitRepository', () => {
  it.each(['alpine', '/alpine', 'quay.io/', 'quay.io/a/../b', 'quay.io/a:1', 'a b/c'])('refuses %j', (text) => {
    expect(splitRepository(text)).toBeUndefined()
  })
})

describe('isInsecureHost', () => {
  it.each([
    ['127.0.0.1:5000', ['127.0.0.1:5000'], true],
    ['127.0.0.1:5000', ['127.0.0.1'], true],
    ['127.0.0.1:5000', ['127.0.0.1:5001'], false],
    ['quay.io', [], false],
  ])('%s in %j: %s', (host, list, insecure) => {
    expect(isInsecureHost(host, list)).toBe(insecure)
  })
})

function fail(): never {
  throw new Error('not a reference')
}

describe('familiarName', () => {
  it.each([
    ['index.docker.io/library/alpine', 'alpine'],
    ['index.docker.io/team/app', 'team/app'],
    ['quay.io/library/app', 'quay.io/library/app'],
  ])('of %s is %s', (canonical, familiar) => {
    expect(familiarName(canonical)).toBe(familiar)
  })
})
