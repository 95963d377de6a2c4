import type { Change } from '../../domain/plan/change.ts'
import type { Desired, DesiredObject } from '../sync-source/desired.ts'

/** Paths of an upload whose files sops encrypted. */
export type Sealed = ReadonlySet<string>

/** Whether a text is what sops writes, as YAML or JSON. */
export function looksSealed(text: string): boolean {
  return /^(?:sops|"sops"):|^\s{0,8}"sops":\s*\{/m.test(text)
}

const why =
  'encrypted with sops and not looked into: an uploaded folder is not decrypted; capstan plan --ref looks into a branch that was pushed'

/** Sets apart what is encrypted: objects whose names can be read, to be neither tried nor deleted, and files where nothing can. */
export function setApart(
  wanted: readonly DesiredObject[],
  { problems }: Pick<Desired, 'problems'>,
  sealed: Sealed,
): { wanted: DesiredObject[]; problems: Desired['problems']; left: Change[] } {
  const isSealed = ({ file }: { file: string }) => sealed.has(file)
  const objects = wanted.filter(isSealed).map(({ id, file, line }) => left(id, file, line))
  const files = new Set(problems.filter(isSealed).map(({ file }) => file))
  return {
    wanted: wanted.filter((object) => !isSealed(object)),
    problems: problems.filter((problem) => !isSealed(problem)),
    left: [...objects, ...[...files].map((file) => left('', file, 0))],
  }
}

function left(id: string, file: string, line: number): Change {
  return { id, file, line, action: 'skipped', message: why }
}
