import { becameOf, defaultOf, sayingOf } from './fluxd-document.ts'
import { flags } from './flags.ts'
import { operatorDifferences } from './operator-differences.ts'
import {
  annotationRows,
  columnRows,
  conditionRows,
  eventRows,
  type FieldRow,
  metricRows,
  phaseRows,
  routeRows,
  specRows,
  statusRows,
  type SurfaceRow,
} from './operator-surface.ts'

const introduction = `# The Helm Operator's flags, fields and names

<!-- Made from src/config/ by src/config/operator-document.test.ts; \`npm run test:unit -- -u src/config\` writes it again. -->

Capstan takes the HelmReleases of the Helm Operator 1.4 (\`helm.fluxcd.io/v1\`) as they are, on its own definition or on the
Operator's, with the flags, metrics and routes that it had. [HelmReleases](helmreleases.md) says what the fields do and what is new.

- *same*: it does what it did.
- *differs*: it works, and what it does is not quite the same.
- *replaced*: it has no effect; something else does its work.
- *not applicable*: it has no effect, and there is nothing left for it to do.
`

/** docs/helm-operator.md, whole. */
export function operatorDocument(): string {
  return [
    introduction,
    section('Flags', ['flag', 'default', 'in Capstan', 'what to know'], flagRows()),
    section('Spec', fieldHead, specRows.map(fieldCells)),
    section(
      'Status',
      fieldHead.toSpliced(2, 1),
      statusRows.map(fieldCells).map((cells) => cells.toSpliced(2, 1)),
    ),
    section('Phases', nameHead('phase'), phaseRows.map(nameCells)),
    section('Conditions', nameHead('condition'), conditionRows.map(nameCells)),
    section('Columns of `kubectl get hr`', nameHead('column'), columnRows.map(nameCells)),
    section('Annotations', nameHead('annotation'), annotationRows.map(nameCells)),
    section('Events', nameHead('reason'), eventRows.map(nameCells)),
    section(
      'Metrics',
      ['metric', 'labels', 'in Capstan', 'what to know'],
      metricRows.map((one) => nameCells(one).toSpliced(1, 0, one.labels.join(', '))),
    ),
    section('HTTP', nameHead('route'), routeRows.map(nameCells)),
  ].join('\n')
}

const fieldHead = ['field', 'type', 'default', 'in Capstan', 'what to know']

function nameHead(name: string): string[] {
  return [name, 'in Capstan', 'what to know']
}

function flagRows(): string[][] {
  return Object.entries(operatorDifferences).map(([name, difference]) => {
    const flag = flags[name as keyof typeof operatorDifferences]
    return [`\`--${name}\``, defaultOf(flag), becameOf(flag, difference), sayingOf(flag, difference)]
  })
}

function fieldCells({ name, type, fallback, became, note }: FieldRow): string[] {
  return [`\`${name}\``, type, fallback, became, note]
}

function nameCells({ name, became, note }: SurfaceRow): string[] {
  return [`\`${name}\``, became, note]
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`)
  return `## ${title}\n\n${lines.join('')}`
}
