import { describe, expect, it } from 'vitest'
import { readIndex } from './chart-index.ts'

const index = `apiVersion: v1
entries:
  demo:
  - apiVersion: v2
    description: |
      entries:
        fake:
    digest: sha256:ABC
    urls:
    - https://charts/demo-1.0.0.tgz
    version: 1.0.0
  - urls: []
    version: 0.9.0
  - version: 0.8.0
  - null
  "2048":
    - urls: [game-1.tgz]
      version: 1.1.0
  demo-extra:
  - urls: [e.tgz]
    version: 1.10
    digest: 0012
generated: "2026-01-01T00:00:00Z"
`

describe('readIndex', () => {
  it.each([
    [
      'the usable entries of a chart',
      index,
      'demo',
      [{ version: '1.0.0', urls: ['https://charts/demo-1.0.0.tgz'], digest: 'abc' }],
    ],
    ['a quoted name', index, '2048', [{ version: '1.1.0', urls: ['game-1.tgz'], digest: '' }]],
    ['the last chart', index, 'demo-extra', [{ version: '1.10', urls: ['e.tgz'], digest: '0012' }]],
    ['no chart of that name', index, 'dem', []],
    ['not what only looks like a chart', index, 'fake', []],
    ['not a name that is a pattern', index, 'dem.', []],
    ['not a name of every object', index, 'constructor', []],
    [
      'JSON',
      '{"entries": {"a": [{"version": "1.0.0", "urls": ["a.tgz"]}]}}',
      'a',
      [{ version: '1.0.0', urls: ['a.tgz'], digest: '' }],
    ],
    [
      'another layout',
      'entries: {a: [{version: 1.0.0, urls: [a.tgz]}]}',
      'a',
      [{ version: '1.0.0', urls: ['a.tgz'], digest: '' }],
    ],
    ['an empty index', 'apiVersion: v1\nentries: {}\n', 'a', []],
    ['a page of a proxy', '<html></html>', 'a', undefined],
    ['broken JSON', '{"entries"', 'a', undefined],
  ])('%s', (_name, text, chart, expected) => {
    expect(readIndex(text, chart)).toEqual(expected)
  })

  it('reads one chart out of a big index in a moment', () => {
    const one = (name: string) =>
      `  ${name}:\n  - version: 1.0.0\n    urls: [a.tgz]\n    description: ${'x'.repeat(900)}\n`
    const text = `entries:\n${Array.from({ length: 20_000 }, (_, i) => one(`chart-${i}`)).join('')}`
    const started = performance.now()
    expect(readIndex(text, 'chart-19999')).toHaveLength(1)
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})
