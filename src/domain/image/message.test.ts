import { describe, expect, it } from 'vitest'
import type { UpdateResult, UpdateSpec } from '../work/update-spec.ts'
import { updateMessage } from './message.ts'
import { printNote, readNote } from './note.ts'

const cause = { Message: '', User: 'Ann <ann@example.com>' }
const own = { ...cause, Message: 'because' }
const success = { Status: 'success' } as const
const image = (ServiceSpecs: string[], ImageSpec: string, by = cause): UpdateSpec => ({
  type: 'image',
  cause: by,
  spec: { ServiceSpecs, ImageSpec, Kind: 'execute', Excludes: [], Force: false },
})
const policy = (
  spec: Record<string, { add?: Record<string, string>; remove?: Record<string, string> }>,
  by = cause,
): UpdateSpec => ({
  type: 'policy',
  cause: by,
  spec: Object.fromEntries(Object.entries(spec).map(([id, one]) => [id, { add: {}, remove: {}, ...one }])),
})
const containers: UpdateSpec = {
  type: 'containers',
  cause,
  spec: { Kind: 'execute', ContainerSpecs: {}, SkipMismatches: false, Force: false },
}

describe('updateMessage', () => {
  const a = 'demo:deployment/a'
  const b = 'demo:deployment/b'
  const rows: [UpdateSpec, UpdateResult, expected: string][] = [
    [image(['<all>'], '<all latest>'), {}, 'Release all latest to all'],
    [image([a, b], 'x:1'), {}, 'Release x:1 to demo:deployment/a, demo:deployment/b'],
    [image([a], 'x:1', own), {}, 'because'],
    [policy({ [a]: { add: { automated: 'true' } } }), { [a]: success }, 'Automated: demo:deployment/a\n'],
    [policy({ [a]: { remove: { automated: 'true' } } }), { [a]: success }, 'Deautomated: demo:deployment/a\n'],
    [
      policy({ [a]: { add: { locked: 'true', locked_user: 'x', locked_msg: 'y' } } }),
      { [a]: success },
      'Locked: demo:deployment/a\n',
    ],
    [
      policy({ [a]: { remove: { locked: 'true', locked_user: 'true' } } }),
      { [a]: success },
      'Unlocked: demo:deployment/a\n',
    ],
    [
      policy({ [a]: { add: { 'tag.x': 'semver:1', automated: 'true' } }, [b]: { add: { automated: 'true' } } }),
      { [a]: success, [b]: success },
      'Updated workload policies\n\n- Automated: demo:deployment/a, demo:deployment/b\n- Updated policies: demo:deployment/a\n',
    ],
    [
      policy({ [a]: { add: { automated: 'true' } }, [b]: { add: { automated: 'true' } } }),
      { [a]: success, [b]: { Status: 'skipped' } },
      'Automated: demo:deployment/a\n',
    ],
    [policy({ [a]: { add: { locked: 'true' } } }, own), { [a]: success }, 'because\n\n- Locked: demo:deployment/a\n'],
    [
      containers,
      {
        [a]: { Status: 'success', PerContainer: [{ Container: 'c', Current: 'x:1', Target: 'x:2' }] },
        [b]: { Status: 'ignored' },
      },
      'Update image refs in demo:deployment/a\n\ndemo:deployment/a\n- x:2\n',
    ],
    [
      containers,
      { [a]: { Status: 'success', PerContainer: [] }, [b]: { Status: 'failed', Error: 'no' } },
      'Update image refs in demo:deployment/a\n\ndemo:deployment/a\n\ndemo:deployment/b: no',
    ],
  ]
  it.each(rows)('%j', (update, result, expected) => {
    expect(updateMessage(update, result, '')).toBe(expected)
    expect(updateMessage(update, result, '\n\n[ci skip]')).toBe(`${expected}\n\n[ci skip]`)
  })
})

describe('a note', () => {
  it('has the fields of fluxd in their order, and is read again', () => {
    const spec = image(['<all>'], 'x:1')
    const text = printNote({ jobID: 'j', spec, result: { 'demo:deployment/a': success } })
    expect(text).toMatch(
      /^\{"jobID":"j","spec":\{"type":"image","cause":\{"Message":"","User":"Ann <ann@example.com>"\},"spec":/,
    )
    expect(readNote(text)).toEqual({ jobID: 'j', spec, result: { 'demo:deployment/a': success } })
  })
  it.each(['', 'text', 'null', '{}', '{"jobID":1,"result":{}}', '[]'])(
    'that is none of ours is passed over: %s',
    (text) => {
      expect(readNote(text)).toBeUndefined()
    },
  )
})
