import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { anyFile, anyTag, tryEdit } from '../../images/edit-files.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'

const folder = fileURLToPath(new URL('../../fixtures/repositories', import.meta.url))
const filesOfTrial = 1_000

export const p8: Hazard = {
  id: 'P8',
  promise:
    'the image of a manifest is changed (1,000 files a trial, made ones and public ones with other comments and line ends): no byte outside of the scalar differs, and once more changes nothing',
  trials: scaled(100),
  run: (trial) => editMany(trial, filesOfTrial),
}

async function editMany({ random }: Trial, count: number): Promise<TrialResult> {
  const seed = random.between(0, 2 ** 30)
  const publicOnes = globSync('**/*.{yaml,yml}', { cwd: folder }).map((file) =>
    readFileSync(`${folder}/${file}`, 'utf8'),
  )
  const changed = fc
    .tuple(fc.constantFrom(...publicOnes), fc.constantFrom('\n', '\r\n'), fc.constantFrom('', ' # kept', '  # ü→'))
    .map(([text, end, comment]) => text.replaceAll(/$/gm, comment).replaceAll('\n', end))
  const all = fc.tuple(fc.oneof({ weight: 9, arbitrary: anyFile }, { weight: 1, arbitrary: changed }), fc.nat(), anyTag)
  const figures = { files: 0, refused: 0, otherBytes: 0, notIdempotent: 0 }
  for (const [text, pick, tag] of fc.sample(all, { seed, numRuns: count })) {
    const found = tryEdit(text, pick, tag)
    if (!found) continue
    figures.files++
    if (found.refused) figures.refused++
    if (!found.isOneScalar) figures.otherBytes++
    if (!found.isIdempotent) figures.notIdempotent++
  }
  const { files, ...bad } = figures
  const judged = judge(Object.fromEntries(Object.entries(bad).map(([name, value]) => [name, [value, 0] as const])))
  return { ...judged, ok: judged.ok && files > count / 2, measured: figures }
}
