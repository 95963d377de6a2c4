import { clean } from '../print/clean.ts'

/** One thing that may stand here, and what it is. */
export type Candidate = { word: string; text?: string }

/** What names are asked for at the server. */
export type NameKind = 'source' | 'release' | 'workload' | 'namespace' | 'job' | 'sink' | 'subject'

/** Names from the server; empty when there is none, it does not answer in time, or it refuses. Never rejects. */
export type ReadNames = (kind: NameKind) => Promise<string[]>

/** Lines for the shell's script: what begins with the last word, each once. */
export function printCandidates(candidates: readonly Candidate[], current: string): string {
  const fitting = candidates.filter(({ word }) => word.startsWith(current))
  const lines = fitting.map(({ word, text = '' }) => `${clean(word)}${text === '' ? '' : `\t${clean(text)}`}\n`)
  return [...new Set(lines)].join('')
}

/** Names as candidates. */
export function plain(names: readonly string[]): Candidate[] {
  return names.map((word) => ({ word }))
}
