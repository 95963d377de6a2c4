import { describe, expect, it } from 'vitest'
import { operatorDefinition, readDefinition } from './definition.ts'

const definition = (type: object, phase: object) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'helmreleases.helm.fluxcd.io' },
  spec: {
    versions: [
      {
        name: 'v1',
        schema: {
          openAPIV3Schema: {
            properties: { status: { properties: { phase, conditions: { items: { properties: { type } } } } } },
          },
        },
      },
    ],
  },
})

describe('readDefinition', () => {
  it('takes the words of the enums and no others', () => {
    const read = readDefinition(definition({ enum: ['Released', 'Ready'] }, { enum: ['Failed', 'Suspended'] }))
    expect(['Released', 'Ready', 'Tested'].map((type) => read.takesCondition(type))).toEqual([true, true, false])
    expect(['Failed', 'Suspended', 'Succeeded'].map((phase) => read.takesPhase(phase))).toEqual([true, true, false])
  })

  it('takes every word where there is no enum', () => {
    expect(readDefinition(definition({}, {})).takesCondition('Anything')).toBe(true)
  })
})

it('counts as the Operator’s own where it cannot be read', () => {
  expect(operatorDefinition.takesCondition('Ready')).toBe(false)
  expect(operatorDefinition.takesCondition('Tested')).toBe(true)
  expect(operatorDefinition.takesPhase('Suspended')).toBe(false)
})
