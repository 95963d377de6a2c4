import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deliveryOf, followsPushed, isFromForge, isSameRepository, readPushEvent } from './push-event.ts'

const bytes = (value: unknown) => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

describe('the sameness of repositories', () => {
  it.each([
    ['scheme, user and .git do not count', 'ssh://git@git.example/a/b.git', 'https://me@git.example/a/b', true],
    ['the scp-like form', 'git@git.example:a/b.git', 'https://git.example/a/b', true],
    ['slashes at the end', 'https://git.example/a/b.git/', 'https://git.example/a/b', true],
    ['case does not count', 'https://Git.Example/A/B', 'https://git.example/a/b', true],
    ['the host counts', 'https://git.example/a/b', 'https://git.example.evil/a/b', false],
    ['the port counts', 'https://git.example:8443/a/b', 'https://git.example/a/b', false],
    ['the whole path counts', 'https://git.example/a/b', 'https://git.example/x/a/b', false],
    ['a path is no URL', '/a/b', '/a/b', false],
    ['nothing is not the same as nothing', '', '', false],
  ])('%s', (_, given, own, expected) => {
    expect(isSameRepository({ urls: [given], path: '' }, own)).toBe(expected)
  })

  it('is told by project and name only where there is no URL', () => {
    const path = 'PROJ/repo'
    expect(isSameRepository({ urls: [], path }, 'https://git.example/scm/proj/repo.git')).toBe(true)
    expect(isSameRepository({ urls: [], path }, 'https://git.example/scm/xproj/repo.git')).toBe(false)
    expect(isSameRepository({ urls: ['https://other.example/proj/repo'], path }, 'https://git.example/proj/repo')).toBe(
      false,
    )
    expect(isSameRepository({ urls: [], path: '' }, 'https://git.example/a')).toBe(false)
  })
})

describe('what a source follows', () => {
  const pushed = { refs: [{ kind: 'branch', name: 'main' } as const, { kind: 'tag', name: 'v1' } as const] }
  it.each([
    ['its branch', { ref: { kind: 'branch', value: 'main' }, branch: 'main' }, true],
    ['another branch', { ref: { kind: 'branch', value: 'v1' }, branch: 'v1' }, false],
    ['its tag', { ref: { kind: 'tag', value: 'v1' }, branch: '' }, true],
    ['a tag called as the branch', { ref: { kind: 'tag', value: 'main' }, branch: '' }, false],
    ['a range of tags', { ref: { kind: 'semver', value: '*' }, branch: '' }, true],
    ['a commit', { ref: { kind: 'commit', value: 'x' }, branch: '' }, true],
  ] as const)('may have moved: %s', (_, spec, expected) => {
    expect(followsPushed(pushed, spec)).toBe(expected)
    expect(followsPushed({ refs: 'any' }, spec)).toBe(true)
  })
})

describe('a delivery', () => {
  it.each([
    ['GitHub', { 'x-github-delivery': 'a', 'x-request-id': 'p' }, 'a'],
    ['GitLab', { 'idempotency-key': 'b', 'x-gitlab-event-uuid': 'shared' }, 'b'],
    ['Bitbucket Data Center', { 'x-event-key': 'repo:refs_changed', 'x-request-id': 'c' }, 'c'],
    ['a proxy in front of anybody', { 'x-request-id': 'p' }, undefined],
    ['nobody', { 'x-github-delivery': '' }, undefined],
  ])('is named by %s', (_, headers, expected) => {
    expect(deliveryOf(headers)).toBe(expected)
  })
})

describe('a webhook of no forge', () => {
  it('names a repository, and what was pushed if it likes', () => {
    expect(isFromForge({})).toBe(false)
    const url = 'https://git.example/a'
    expect(readPushEvent({}, bytes({ repository: url }))).toEqual({
      kind: 'push',
      pushed: { urls: [url], path: '', refs: 'any' },
    })
    expect(readPushEvent({}, bytes({ repository: { url }, ref: 'refs/heads/x' }))).toMatchObject({
      pushed: { urls: [url], refs: [{ kind: 'branch', name: 'x' }] },
    })
    expect(readPushEvent({}, bytes({ repository: 'x'.repeat(5000) }))).toEqual({ kind: 'unreadable' })
  })
})

describe('no body', () => {
  const headers = fc.constantFrom<Record<string, string>>(
    {},
    { 'x-github-event': 'push' },
    { 'x-gitlab-event': 'System Hook' },
    { 'x-event-key': 'repo:push' },
    { 'x-event-key': 'repo:refs_changed' },
    { 'x-github-event': 'push', 'content-type': 'application/x-www-form-urlencoded' },
  )
  const key = fc.constantFrom(
    'repository',
    'push',
    'changes',
    'ref',
    'refs',
    'new',
    'links',
    'clone',
    'href',
    'url',
    '__proto__',
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom('refs/heads/main', 'https://x/y', 7, null, true, ''),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4 }),
    ),
  }))

  it('makes the reader fail or leaves a trace', () => {
    fc.assert(
      fc.property(headers, fc.oneof(tree.map(bytes), fc.uint8Array({ maxLength: 60 })), (given, body) => {
        const event = readPushEvent(given, body)
        expect(['push', 'nothing', 'unreadable']).toContain(event.kind)
        if (event.kind === 'push') isSameRepository(event.pushed, 'https://x/y')
        expect(({} as Record<string, unknown>).polluted).toBeUndefined()
      }),
      { numRuns: 500 },
    )
  })
})
