import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** One `FROM … AS …` of the Dockerfile and the lines below it; lines that a backslash continues are one. */
export type Stage = { name: string; base: string; lines: string[] }

/** One COPY line: from the checkout when `from` is empty, else from another stage. */
export type Copy = { from: string; sources: string[]; to: string }

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The stages of our Dockerfile, in order. */
export function readStages(): Stage[] {
  const text = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8')
  const found: Stage[] = []
  for (const line of text.replaceAll(/\\\n/g, ' ').split('\n')) {
    const [, base = '', name = ''] = /^FROM (\S+) AS (\S+)$/.exec(line) ?? []
    if (name) found.push({ name, base, lines: [] })
    else found.at(-1)?.lines.push(line)
  }
  return found
}

export function copiesOf({ lines }: Pick<Stage, 'lines'>): Copy[] {
  return lines
    .filter((line) => line.startsWith('COPY '))
    .map((line) => {
      const words = line.split(/\s+/).slice(1)
      const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length) ?? ''
      const paths = words.filter((word) => !word.startsWith('--'))
      return { from, sources: paths.slice(0, -1), to: paths.at(-1) ?? '' }
    })
}
