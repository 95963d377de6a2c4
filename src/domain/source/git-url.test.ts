import { describe, expect, it } from 'vitest'
import { gitPlace, gitUrlProblem, safeUrl, sameRepository } from './git-url.ts'

describe('the safe form of a URL', () => {
  // Every line is what fluxd's library (git-urls 1.0.0) and Go's net/url print.
  it.each([
    ['git@github.com:org/repo', 'ssh://git@github.com/org/repo'],
    ['git@github.com:/org/repo', 'ssh://git@github.com/org/repo'],
    ['git@github.com:~user/repo.git', 'file://git@github.com:~user/repo.git'],
    ['github.com:org/repo', 'ssh://github.com/org/repo'],
    ['user-name@host.example:org/repo', 'file://user-name@host.example:org/repo'],
    ['git@host:22/org/repo', 'ssh://git@host/22/org/repo'],
    ['git@[::1]:org/repo', 'file://git@%5B::1%5D:org/repo'],
    ['ssh://git@github.com:22/org/repo.git', 'ssh://git@github.com:22/org/repo.git'],
    ['https://user:pass@github.com/org/repo.git', 'https://user@github.com/org/repo.git'],
    ['https://:pass@github.com/org/repo.git', 'https://@github.com/org/repo.git'],
    ['https://tok%40en:x@Host.Example/Org/Repo%20x', 'https://tok%40en@Host.Example/Org/Repo%20x'],
    ['https://u$er!:pa@host/x', 'https://u$er%21@host/x'],
    ['https://user:p@ss@host/x', 'https://user@host/x'],
    ['HTTPS://Host/a', 'https://Host/a'],
    ['/tmp/repo', 'file:///tmp/repo'],
    ['git@github.com:org/repö', 'ssh://git@github.com/org/rep?ö'],
  ])('of %s is %s', (url, expected) => {
    expect(safeUrl(url)).toBe(expected)
  })

  it.each(['https://user:pa%zz@host/x', 'https://user:secret/x@host/y', 'https://host:port/x'])(
    'shows nothing of what cannot be read',
    (url) => {
      const shown = safeUrl(url)
      expect(shown.includes('secret') || shown.includes('pa%')).toBe(false)
    },
  )
})

describe('a URL that git may see', () => {
  it.each([
    'https://github.com/org/repo',
    'http://127.0.0.1:8080/repo.git',
    'https://user:token@github.com/org/repo',
    'ssh://git@github.com:22/org/repo',
    'git@github.com:org/repo.git',
    'git@[::1]:org/repo',
    'host:~user/repo',
  ])('is %s', (url) => {
    expect(gitUrlProblem(url)).toBeUndefined()
  })

  it.each([
    '',
    '--upload-pack=touch /tmp/x',
    '--upload-pack=x',
    'ext::sh -c id',
    'ext::sh',
    'file:/etc/repo',
    'http:/host/repo',
    'fd::3',
    'ext://host/x',
    'transport::https://host/x',
    'gopher://host/x',
    'file:///etc',
    '/etc',
    'repo',
    '../repo',
    'git://host/repo',
    'ftp://host/repo',
    'https://',
    'https://host',
    'https:///path',
    'ssh://-oProxyCommand=id/x',
    'ssh://-oProxyCommand=id@host/x',
    '-oProxyCommand=id:x',
    '-x@host:y',
    'git@-host:y',
    'https://host/a b',
    'https://host/a\nb',
    'https://host/\u202ea',
    'https://$(id)/x',
    'https://host:port/x',
    'ssh://host;id/x',
  ])('is not %s', (url) => {
    expect(gitUrlProblem(url)).toBeTypeOf('string')
  })

  it('may be local only where that is allowed', () => {
    for (const url of ['/srv/repo', 'file:///srv/repo']) {
      expect(gitUrlProblem(url)).toContain('local path')
      expect(gitUrlProblem(url, { allowLocal: true })).toBeUndefined()
    }
    expect(gitUrlProblem('ext::sh -c id', { allowLocal: true })).toBeTypeOf('string')
  })
})

describe('one repository', () => {
  it.each([
    ['git@github.com:org/repo', 'https://user@github.com/org/repo.git', true],
    ['ssh://git@github.com/org/repo', 'git@github.com:org/repo.git', true],
    ['https://github.com/org/repo', 'https://github.com/org/other', false],
    ['https://github.com/org/repo', 'https://gitlab.com/org/repo', false],
  ])('%s and %s: %s', (one, other, expected) => {
    expect(sameRepository(one, other)).toBe(expected)
  })
})

describe('the server of a repository', () => {
  it.each([
    ['https://github.com/org/repo', 'https', 'github.com', 443],
    ['HTTP://Host:8080/x', 'http', 'Host', 8080],
    ['https://a:b@c@host/x', 'https', 'host', 443],
    ['http://[::1]:3000/x', 'http', '::1', 3000],
    ['ssh://git@host:2222/x', 'ssh', 'host', 2222],
    ['ssh://host/x', 'ssh', 'host', 22],
    ['git@host:x/y', 'ssh', 'host', 22],
    ['git@[::1]:x', 'ssh', '::1', 22],
    ['host:~user/x', 'ssh', 'host', 22],
  ] as const)('%s', (url, scheme, host, port) => {
    expect(gitUrlProblem(url)).toBeUndefined()
    expect(gitPlace(url)).toEqual({ scheme, host, port })
  })

  it.each(['/srv/repo', 'file:///srv/repo'])('is none for %s', (url) => {
    expect(gitPlace(url)).toBeUndefined()
  })
})
