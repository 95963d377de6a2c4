import { expect, it } from 'vitest'
import { changedAt } from './changed-at.ts'
import type { ManagedFields } from './object.ts'

const at = (second: number, more: Partial<ManagedFields> = {}): ManagedFields => ({
  manager: 'a',
  operation: 'Update',
  time: `2026-01-01T00:00:0${second}Z`,
  ...more,
})

it.each<[string, ManagedFields[] | undefined, string | undefined]>([
  ['the newest of all who changed it', [at(1), at(3), at(2)], '2026-01-01T00:00:04.000Z'],
  ['no change of its status', [at(1), at(5, { subresource: 'status' })], '2026-01-01T00:00:02.000Z'],
  ['nothing where it says nothing', undefined, undefined],
  ['nothing where it says no time', [{ manager: 'a', operation: 'Apply' }], undefined],
])('%s', (_what, managedFields, expected) => {
  const metadata = { name: 'a', ...(managedFields ? { managedFields } : {}) }
  const time = changedAt({ apiVersion: 'v1', kind: 'ConfigMap', metadata })
  expect(time && new Date(time).toISOString()).toBe(expected)
})
