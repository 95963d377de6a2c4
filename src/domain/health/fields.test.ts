import { describe, expect, it } from 'vitest'
import { conditionOf, conditionsOf } from './fields.ts'

const of = (status: unknown) => ({ apiVersion: 'x/v1', kind: 'X', metadata: { name: 'x' }, status })
const ready = { type: 'Ready', status: 'True', reason: 'r', message: 'm' }

describe('the conditions of an object', () => {
  it.each<[string, unknown, unknown[]]>([
    [
      'all',
      { conditions: [ready, { type: 'Stalled', status: 'False' }] },
      [ready, { type: 'Stalled', status: 'False', reason: '', message: '' }],
    ],
    [
      'with the generation that they are about',
      { conditions: [{ ...ready, observedGeneration: 3 }] },
      [{ ...ready, observedGeneration: 3 }],
    ],
    ['none without a status', undefined, []],
    ['none of what is no list', { conditions: {} }, []],
    ['not what is no condition', { conditions: [null, 'x', [], { status: 'True' }, { type: 1 }, ready] }, [ready]],
    [
      'no words that are no texts',
      { conditions: [{ type: 'Ready', status: true, reason: [], message: {}, observedGeneration: 'x' }] },
      [{ type: 'Ready', status: 'true', reason: '', message: '' }],
    ],
  ])('are %s', (_what, status, expected) => {
    expect(conditionsOf(of(status))).toEqual(expected)
    expect(conditionOf(of(status), 'Ready')).toEqual(expected[0])
  })
})
