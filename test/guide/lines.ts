import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A command of the guide as it is typed: on one line, without its comment. */
export type Line = { page: string; chapter: string; text: string }

/** All pages of the guide, from the root of the repository. */
export const pages: string[] = [
  'README.md',
  ...named('docs'),
  ...named('docs/decisions'),
  'charts/capstan/README.md',
  'playground/sample/README.md',
  ...readdirSync(`${root}/playground/examples`)
    .map((name) => `playground/examples/${name}/README.md`)
    .filter((page) => existsSync(`${root}/${page}`)),
]

/** The text of a page. */
export function textOf(page: string): string {
  return readFileSync(`${root}/${page}`, 'utf8')
}

/** The commands of a page, or of one of its chapters, in their order: those of its blocks for a shell, and the examples in the help of verbs. */
export function linesOf(page: string, chapter?: string): Line[] {
  const lines = chaptersOf(textOf(page)).flatMap(([title, text]) =>
    [
      ...[...text.matchAll(/^ *```(?:sh|bash|console|shell)\n([\s\S]*?)^ *```$/gm)].flatMap(([, block = '']) =>
        block
          .replaceAll(/\\\n\s*/g, '')
          .split('\n')
          .map((line) => line.replace(/^\s*\$ /, '').replace(/(^|\s+)#\s.*$/, '')),
      ),
      ...[...text.matchAll(/^Examples:\n((?: {2}.*\n)+)/gm)].flatMap(([, block = '']) =>
        block.split('\n').map((line) => line.trim().replace(/ {2,}.*$/, '')),
      ),
    ].map((line) => ({ page, chapter: title, text: line.trim() })),
  )
  return lines.filter((line) => line.text !== '' && (chapter === undefined || line.chapter === chapter))
}

/** The chapters of a page by their titles of level two, with what stands below each; before the first the title is empty. */
function chaptersOf(text: string): [title: string, text: string][] {
  return text.split(/^(?=## )/m).map((part) => [/^## (.*)\n/.exec(part)?.[1] ?? '', part])
}

function named(folder: string): string[] {
  return readdirSync(`${root}/${folder}`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
}
