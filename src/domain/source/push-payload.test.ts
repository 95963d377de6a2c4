import { describe, expect, it } from 'vitest'
import {
  readBitbucketPush,
  readBitbucketServerPush,
  readGithubPush,
  readGitlabPush,
  readGitlabSystemPush,
} from './push-payload.ts'

const main = { kind: 'branch', name: 'main' }

describe('what was pushed', () => {
  it.each([
    ['a branch, of GitHub', readGithubPush({ ref: 'refs/heads/feature/x' }), [{ kind: 'branch', name: 'feature/x' }]],
    ['a tag, of GitHub', readGithubPush({ ref: 'refs/tags/v1' }), [{ kind: 'tag', name: 'v1' }]],
    ['a new tag, of Gitea', readGithubPush({ ref: 'v1', ref_type: 'tag' }), [{ kind: 'tag', name: 'v1' }]],
    ['notes are nothing', readGithubPush({ ref: 'refs/notes/flux' }), []],
    ['a short name is nothing', readGithubPush({ ref: 'main' }), []],
    ['a branch, of GitLab', readGitlabPush({ ref: 'refs/heads/main' }), [main]],
    [
      'all that a system hook names',
      readGitlabPush({ refs: ['refs/heads/main', 'refs/tags/a'] }),
      [main, { kind: 'tag', name: 'a' }],
    ],
    [
      'a branch that is gone, of Bitbucket',
      readBitbucketPush({ push: { changes: [{ old: { type: 'branch', name: 'main' }, new: null }] } }),
      [main],
    ],
    [
      'a bookmark is nothing',
      readBitbucketPush({ push: { changes: [{ new: { type: 'bookmark', name: 'main' } }] } }),
      [],
    ],
    [
      'by the older field of Data Center',
      readBitbucketServerPush({ changes: [{ ref: { id: 'refs/heads/main' } }] }),
      [main],
    ],
  ])('%s', (_, { refs }, expected) => {
    expect(refs).toEqual(expected)
  })
})

describe('where it was pushed', () => {
  it.each([
    [
      'all URLs of GitLab',
      readGitlabPush({ project: { git_ssh_url: 'a', url: 'b' }, repository: { url: 'c' } }).urls,
      ['a', 'b', 'c'],
    ],
    [
      'no URL that is none',
      readGithubPush({ repository: { clone_url: 7, url: '', ssh_url: 'x'.repeat(2049) } }).urls,
      [],
    ],
    [
      'the clone links of Data Center',
      readBitbucketServerPush({ repository: { links: { clone: [{ href: 'ssh://a' }, {}, 'x'] } } }).urls,
      ['ssh://a'],
    ],
  ])('%s', (_, urls, expected) => {
    expect(urls).toEqual(expected)
  })

  it('is not told by half a path', () => {
    expect(readBitbucketServerPush({ repository: { slug: 'a' } }).path).toBe('')
  })
})

it('a system hook that tells of something else is no push', () => {
  expect(readGitlabSystemPush({ event_name: 'project_create' })).toBeUndefined()
})
