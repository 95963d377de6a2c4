import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import { parseConstraint } from '../../src/domain/semver/constraint.ts'
import { parseVersion } from '../../src/domain/semver/version.ts'
import { stack } from '../stack/stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'capstan-semver-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const numbers = ['0', '1', '2', '10']
const plain = numbers.flatMap((major) => numbers.flatMap((minor) => [`${major}.${minor}.0`, `${major}.${minor}.3`]))
const odd =
  '1 1.2 v1.2.3 v2 1.2.3-alpha 1.2.3-alpha.1 1.2.3-beta.2 1.2.3-rc.10 2.0.0-rc.1 1.2.3+build 1.2.3-beta+build 0.0.1 0.0.0 1.2.3-0 1.2.3-x.y.z'
const versions = plain.concat(odd.split(' '))
const operators = ['', '=', '!=', '>', '<', '>=', '<=', '~', '^']
const operands = '1 1.2 1.2.3 0.2.3 0.0.3 0.0 0 2.0.0 1.2.3-beta.2 1.x 1.2.x v1.2.3 *'.split(' ')
const several =
  '>=1.0.0 <2.0.0; >=1.2 <3 || 10.x; 1.2 - 2.3.4; 1.2.3 - 2; >= 1.2, != 1.2.3; ~1.2.3-0; ^1.2.3-0; >0.0.0-0; >=1-0; ~> 1.2; ~>1.2.3; =>1.2.3; =<1.2.3; >=1.2.3-alpha <1.2.3; ^0.2 || ^0.0.3; >1 <10; !=1.x; ^*; ~*'
const ranges = operators
  .flatMap((operator) => operands.map((operand) => `${operator}${operand}`))
  .concat(several.split('; '))

/** helm's templates compare versions by the same library that fluxd had (Masterminds/semver v3). */
async function asMasterminds(): Promise<boolean[][]> {
  const chart = join(folder, 'chart')
  mkdirSync(join(chart, 'templates'), { recursive: true })
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: semver\nversion: 1.0.0\n')
  writeFileSync(join(chart, 'values.yaml'), JSON.stringify({ ranges, versions }))
  const template = [
    'apiVersion: v1',
    'kind: ConfigMap',
    'metadata: {name: x}',
    'data:',
    '{{- range $at, $range := .Values.ranges }}',
    '  r{{ $at }}: "{{ range $.Values.versions }}{{ ternary 1 0 (semverCompare $range .) }}{{ end }}"',
    '{{- end }}',
  ]
  writeFileSync(join(chart, 'templates', 'all.yaml'), template.join('\n'))
  const { stdout } = await promisify(execFile)(stack().helm, ['template', chart], { maxBuffer: 2 ** 24 })
  return ranges.map((_, at) => {
    const bits = new RegExp(`^ {2}r${at}: "([01]*)"$`, 'm').exec(stdout)?.[1] ?? ''
    return bits.split('').map((bit) => bit === '1')
  })
}

it(`${ranges.length} ranges take the same of ${versions.length} versions as Masterminds/semver (flux-v1 §15)`, async () => {
  const theirs = await asMasterminds()
  const differences = ranges.flatMap((range, at) => {
    const isIn = parseConstraint(range)
    return versions.flatMap((text, nth) => {
      const version = parseVersion(text)
      const ours = Boolean(isIn && version && isIn(version))
      return ours === theirs[at]?.[nth] ? [] : [`${range} takes ${text}: ${ours}, and theirs ${theirs[at]?.[nth]}`]
    })
  })
  expect(theirs.every((row) => row.length === versions.length)).toBe(true)
  expect(differences).toEqual([])
})
