import { describe, expect, it } from 'vitest'
import { countTurns } from '../../../test/fakes/turns.ts'
import { type IndexEntry, outlineIndex, readBlock } from './chart-index.ts'

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
  # a comment

  "2048":
    - urls: [game-1.tgz]
      version: 1.1.0
  empty: []
  'demo-extra':
  - urls: [e.tgz]
    version: 1.10
    digest: 0012
  - urls: [f.tgz
    version: 1.9
generated: "2026-01-01T00:00:00Z"
`

async function read(text: string, chart: string): Promise<IndexEntry[] | string | undefined> {
  const bytes = Buffer.from(text)
  const outline = await outlineIndex(bytes)
  if (typeof outline === 'string') return outline
  const block = outline.get(chart)
  if (!block) return undefined
  return 'entries' in block ? block.entries : await readBlock(bytes.subarray(block.start, block.end))
}

describe('an index', () => {
  it.each<[string, string, string, unknown]>([
    [
      'gives the usable entries of a chart',
      index,
      'demo',
      [{ version: '1.0.0', urls: ['https://charts/demo-1.0.0.tgz'], digest: 'abc' }],
    ],
    ['a quoted name', index, '2048', [{ version: '1.1.0', urls: ['game-1.tgz'], digest: '' }]],
    [
      'the last chart, without its broken version',
      index,
      'demo-extra',
      [{ version: '1.10', urls: ['e.tgz'], digest: '0012' }],
    ],
    ['an empty list', index, 'empty', []],
    ['no chart of that name', index, 'dem', undefined],
    ['not what only looks like a chart', index, 'fake', undefined],
    ['not a name of every object', index, 'constructor', undefined],
    [
      'with the line ends of Windows',
      index.replaceAll('\n', '\r\n'),
      '2048',
      [expect.objectContaining({ version: '1.1.0' })],
    ],
    [
      'with keys in another order',
      `generated: x\nentries:\n   a:\n   - urls: [a]\n     version: 1\n`,
      'a',
      [expect.anything()],
    ],
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
    ['an empty index', 'apiVersion: v1\nentries: {}\n', 'a', undefined],
    ['a page of a proxy', '<html></html>', 'a', 'it is not a chart index'],
    ['broken JSON', '{"entries"', 'a', 'it is not a chart index'],
    ['nothing', '', 'a', 'it is not a chart index'],
    ['one chart twice', 'entries:\n  a:\n  - x\n  b: []\n  a:\n  - y\n', 'a', 'it names the chart a twice'],
    [
      'too much in another layout',
      `entries: {a: [${'{},'.repeat(100_000)}]}`,
      'a',
      'it is not laid out as helm writes it',
    ],
  ])('%s', async (_name, text, chart, expected) => {
    expect(await read(text, chart)).toEqual(expected)
  })

  it('of 50 MB holds up nothing else (hazard B13)', async () => {
    const version = (name: string, patch: number) =>
      `  - version: 1.0.${patch}\n    urls: [${name}-${patch}.tgz]\n    description: ${'x'.repeat(980)}\n`
    const chart = (name: string, versions: number) =>
      `  ${name}:\n${Array.from({ length: versions }, (_, patch) => version(name, patch)).join('')}`
    const big = `entries:\n${Array.from({ length: 50 }, (_, i) => chart(`chart-${i}`, 1_000)).join('')}`
    expect(big.length).toBeGreaterThan(47 * 1024 * 1024)
    const bytes = Buffer.from(big)
    const turns = countTurns()
    const outline = await outlineIndex(bytes)
    const block = typeof outline === 'string' ? undefined : outline.get('chart-49')
    if (!block || 'entries' in block) throw new Error('it was not outlined')
    const entries = await readBlock(bytes.subarray(block.start, block.end))
    const { count, longest, all } = await turns.stop()
    expect(entries).toHaveLength(1_000)
    // others have their turn again and again, and none of ours is a large part of the work
    expect(count).toBeGreaterThan(5)
    expect(longest / all).toBeLessThan(0.5)
  })
})
