import { describe, expect, it } from 'vitest'
import { conflictsOf, nameConflicts } from './conflicts.ts'
import type { Cause } from './failure.ts'

function cause(manager: string, field: string): Cause {
  return { reason: 'FieldManagerConflict', message: `conflict with "${manager}" using apps/v1`, field }
}

describe('the managers of a conflict', () => {
  it.each<[fact: string, causes: Cause[], expected: string[]]>([
    ['none', [], []],
    ['one field', [cause('kubectl', '.spec.replicas')], ['kubectl: .spec.replicas']],
    [
      'fields grouped by manager, each once',
      [cause('kubectl', '.spec.a'), cause('hpa', '.spec.b'), cause('kubectl', '.spec.c'), cause('kubectl', '.spec.a')],
      ['kubectl: .spec.a, .spec.c', 'hpa: .spec.b'],
    ],
    [
      'a subresource',
      [{ ...cause('', '.spec.replicas'), message: 'conflict with "kubectl" with subresource "scale" using apps/v1' }],
      ['kubectl: .spec.replicas'],
    ],
    ['another kind of conflict', [{ reason: 'UnexpectedServerResponse', message: 'x' }], []],
    [
      'more fields than anybody reads',
      Array.from({ length: 23 }, (_, field) => cause('kubectl', `.f${field}`)),
      [`kubectl: ${Array.from({ length: 20 }, (_, field) => `.f${field}`).join(', ')} and 3 more`],
    ],
  ])('%s', (_fact, causes, expected) => {
    expect(nameConflicts(conflictsOf({ details: { causes } }, {}))).toEqual(expected)
  })
})
