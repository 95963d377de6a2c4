import { describe, expect, it } from 'vitest'
import type { KubeObject } from './object.ts'
import { type ObjectText, planPatches } from './patch-file.ts'

function text(
  kind: string,
  name: string,
  more: Record<string, unknown> = {},
  namespace = '',
): ObjectText & { line: number } {
  const { apiVersion = 'v1', ...fields } = more
  const head: KubeObject = { apiVersion: String(apiVersion), kind, metadata: { name, ...(namespace && { namespace }) } }
  return { head, body: JSON.stringify({ ...head, ...fields }), line: 7 }
}

describe('patches of a patch file', () => {
  it('go to the objects with the same ID, under a name that nothing else has', () => {
    const generated = [
      text('Service', 'a', { x: 1 }, 'one'),
      text('Service', 'a', { x: 2 }, 'two'),
      text('Service', 'a'),
    ]
    const { tasks, warnings } = planPatches(generated, [text('Service', 'a', { y: 1 }, 'two')], 'p.yaml')
    expect(warnings).toEqual([])
    expect(
      tasks.map((task) => [task.name, JSON.parse(task.object), task.patches.map((one) => JSON.parse(one) as unknown)]),
    ).toEqual([
      [
        'capstan-0',
        { apiVersion: 'v1', kind: 'Service', metadata: { name: 'capstan-0' }, x: 2 },
        [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'capstan-0' }, y: 1 }],
      ],
    ])
  })

  it('are for the same group where there is one, and for any version', () => {
    const generated = [
      text('Ingress', 'a', { apiVersion: 'extensions/v1beta1' }),
      text('Ingress', 'a', { apiVersion: 'networking.k8s.io/v1' }),
    ]
    const both = planPatches(generated, [text('Ingress', 'a', { apiVersion: 'networking.k8s.io/v1beta1', y: 1 })], 'p')
    expect(both.tasks).toHaveLength(1)
    expect(both.tasks[0]?.patches[0]).toContain('"networking.k8s.io/v1"')
    expect(planPatches(generated, [text('Ingress', 'a', { apiVersion: 'other.io/v1' })], 'p').tasks).toHaveLength(2)
  })

  it('for an object that is not there are left out with a warning', () => {
    const { tasks, warnings, assemble } = planPatches(
      [text('Service', 'a')],
      [text('Service', 'b', {}, 'ns')],
      'app/p.yaml',
    )
    expect(tasks).toEqual([])
    expect(warnings).toEqual([
      {
        reason: 'PathNotFound',
        file: 'app/p.yaml',
        line: 7,
        id: 'ns:service/b',
        message: 'the patch for ns:service/b was left out: no generator makes this object; remove it from the file',
      },
    ])
    expect(assemble(new Map())).toHaveLength(1)
  })

  it('are put together in the order of IDs, with names and big integers as they were', () => {
    const object = text('Service', 'b', {}, 'ns')
    const generated = [
      text('Service', 'z', {}, 'ns'),
      {
        ...object,
        body: '{"apiVersion":"v1","kind":"Service","metadata":{"name":"b","namespace":"ns"},"big":12345678901234567890}',
      },
      text('Service', 'gone', {}, 'ns'),
      text('Namespace', 'c'),
    ]
    const plan = planPatches(generated, [text('Service', 'b', { y: 1 }, 'ns'), text('Service', 'gone', {}, 'ns')], 'p')
    const made = plan.tasks[0]?.object.replace('"big"', '"y":1,"big"') ?? ''
    expect(made).toContain('12345678901234567890')
    expect(plan.assemble(new Map([['capstan-0', made]]))).toEqual([
      '{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"c"}}',
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"b","namespace":"ns"},"y":1,"big":12345678901234567890}',
      '{"apiVersion":"v1","kind":"Service","metadata":{"name":"z","namespace":"ns"}}',
    ])
  })
})
