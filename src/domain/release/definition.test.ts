import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { KubeObject } from '../manifest/object.ts'
import { isOlderDefinition, operatorDefinition, readDefinition } from './definition.ts'

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

describe('isOlderDefinition', () => {
  const ours = parse(
    readFileSync(new URL('../../../charts/capstan/crds/helmrelease.yaml', import.meta.url), 'utf8'),
  ) as KubeObject

  it.each([
    ['ours', ours, false],
    ['one without our fields', definition({}, {}), true],
    ['one of apiextensions.k8s.io/v1beta1', { ...ours, spec: { validation: {} } }, true],
    ['another definition', { ...definition({}, {}), metadata: { name: 'widgets.example.com' } }, false],
    ['another kind', { ...definition({}, {}), kind: 'ConfigMap' }, false],
  ])('knows %s', (_what, object, expected) => {
    expect(isOlderDefinition(object)).toBe(expected)
  })
})
