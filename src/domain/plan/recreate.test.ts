import { expect, it } from 'vitest'
import { mayRecreate } from './recreate.ts'

it.each([
  ['v1', 'Service', 'allowed', true],
  ['v1', 'Service', 'true', false],
  ['v1', 'Service', undefined, false],
  ['v1', 'Namespace', 'allowed', false],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'allowed', false],
])('%s %s with "%s" may be made again: %s', (apiVersion, kind, value, expected) => {
  const annotations: Record<string, string> = value === undefined ? {} : { 'capstan.dev/recreate': value }
  expect(mayRecreate({ apiVersion, kind, metadata: { name: 'a', annotations } })).toBe(expected)
})
