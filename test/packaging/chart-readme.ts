import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMap, isScalar, parse, parseDocument, type Node, type Pair, type YAMLMap } from 'yaml'
import { chart } from './chart.ts'

type Row = { path: string; default: string; meaning: string }
type WithoutEffect = Record<string, { default: unknown; why: string; danger?: boolean }>

const introduction = `# Chart of Capstan

<!-- Made from values.yaml and files/without-effect.yaml by test/packaging/chart-readme.test.ts; run that file with --update to write it again. -->

Installs [Capstan](../../README.md): one Deployment, or three, a Redis beside it or your own, the definitions of HelmRelease and Source, and
what watches them. How to install, secure, scale and watch it: [docs/chart.md](../../docs/chart.md).

Every value is checked by [values.schema.json](values.schema.json): a name that is misspelt is refused before anything is installed. Values
files of fluxd's chart (1.13) and the Helm Operator's (1.4) can be given as they are, without \`image\`.
`

/** The chart's README, from its values and their comments. */
export function chartReadme(): string {
  const document = parseDocument(read('values.yaml'))
  const rows = isMap(document.contents) ? rowsOf(document.contents) : []
  const table = rows.map(({ path, default: value, meaning }) => `| \`${path}\` | ${value} | ${meaning} |`)
  const dead = Object.entries(parse(read('files/without-effect.yaml')) as WithoutEffect)
  const deadTable = dead.map(([path, { why, danger }]) => `| \`${path}\` | ${danger ? '**!** ' : ''}${cell(why)} |`)
  return [
    introduction,
    '## Values\n',
    '| value | default | meaning |',
    '| --- | --- | --- |',
    ...table,
    '\n## Values of the ancestors without effect\n',
    'They are accepted, and named by the notes after an install when they were given. With **!** something may not work without it.\n',
    '| value | why, and what to do |',
    '| --- | --- |',
    ...deadTable,
    '',
  ].join('\n')
}

function read(path: string): string {
  return readFileSync(join(chart, path), 'utf8')
}

/** A map with a comment of its own is told before its values. */
function rowsOf(map: YAMLMap, before = '', meaning = ''): Row[] {
  return map.items.flatMap((item, at) => {
    const { key, value } = item as Pair<Node, Node | null>
    const path = `${before}${isScalar(key) ? String(key.value) : ''}`
    // the comment above the first key of a map belongs to the map
    const told = cell(commentOf(key) || (at === 0 ? ownComment(map) : '')) || meaning
    if (!isMap(value) || value.items.length === 0 || value.flow || path.endsWith('resources')) {
      return [{ path, default: shown(value), meaning: told }]
    }
    const own = commentOf(key)
    return [...(own ? [{ path, default: '', meaning: cell(own) }] : []), ...rowsOf(value, `${path}.`)]
  })
}

/** Without what belongs to the whole file: a comment that a blank line sets apart. */
function commentOf(node: Node): string {
  return (node.commentBefore ?? '').split('\n\n').at(-1) ?? ''
}

function ownComment(map: YAMLMap): string {
  return (map.commentBefore ?? '').split('\n\n').at(-1) ?? ''
}

function shown(value: Node | null): string {
  const text = value === null ? '' : JSON.stringify(value.toJSON() as unknown)
  return text === '""' || text === '' || text === 'null' ? '' : `\`${text.replace(/^"(.*)"$/, '$1')}\``
}

/** One line that a table can hold. */
function cell(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .replaceAll('|', '\\|')
    .trim()
}
