import { describe, expect, it } from 'vitest'
import { pushedImages } from './notification.ts'

const push = (repository: string, tag: string | undefined, host: string) => ({
  action: 'push',
  target: { repository, ...(tag === undefined ? {} : { tag }) },
  request: { host },
})

describe('pushedImages', () => {
  const rows: [why: string, events: Parameters<typeof pushedImages>[0]['events'], expected: unknown[]][] = [
    ['a push', [push('a/b', '1', 'r:5000')], [{ name: 'r:5000/a/b', tag: '1' }]],
    [
      'the layers before it have no tag',
      [push('a', '2', 'r.io'), push('a', undefined, 'r.io')],
      [{ name: 'r.io/a', tag: '2' }],
    ],
    ['the newest tag is named', [push('a', '1', 'r.io'), push('a', '2', 'r.io')], [{ name: 'r.io/a', tag: '2' }]],
    [
      'Docker Hub by its canonical name',
      [push('alpine', '1', 'docker.io')],
      [{ name: 'index.docker.io/library/alpine', tag: '1' }],
    ],
    ['a host without a dot', [push('a', '1', 'registry')], [{ name: 'registry/a', tag: '1' }]],
    [
      'the host of the URL where the request names none',
      [{ target: { repository: 'a', url: 'http://r:5000/v2/a/manifests/x' } }],
      [{ name: 'r:5000/a', tag: '' }],
    ],
    ['a pull', [{ ...push('a', '1', 'r.io'), action: 'pull' }], []],
    ['no repository', [push('', '1', 'r.io')], []],
    ['no host', [push('a', '1', '')], []],
    ['a path that climbs', [push('../a', '1', 'r.io')], []],
    ['a host with a path', [push('a', '1', 'r.io/../x')], []],
    ['a login in the host', [push('a', '1', 'u@r.io')], []],
    ['a tag that is none', [push('a', '../1', 'r.io')], [{ name: 'r.io/a', tag: '' }]],
    ['an empty event', [{}], []],
  ]
  it.each(rows)('%s', (_, events, expected) => {
    expect(pushedImages({ events })).toEqual(expected)
  })
  it('takes at most 100 repositories', () => {
    const events = Array.from({ length: 200 }, (_, index) => push(`a${index}`, '1', 'r.io'))
    expect(pushedImages({ events })).toHaveLength(100)
  })
})
