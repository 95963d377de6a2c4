import { expect, it } from 'vitest'
import { makeEvent } from './event.ts'
import { fillTemplate, templateProblem } from './template.ts'

const event = makeEvent({
  type: 'error',
  metadata: {},
  message: 'it {{reason}} broke',
  reason: 'GitUnreachable',
  severity: 'error',
  source: { kind: 'source', namespace: 'a', name: 'b' },
  serviceIDs: ['x:deployment/y', 'x:deployment/z'],
  startedAt: '2026-11-21T10:00:00Z',
  endedAt: '2026-11-21T10:00:01Z',
})

it.each([
  ['{{message}}', 'it {{reason}} broke'],
  ['[{{ severity }}] {{source}}: {{reason}}', '[error] a/b: GitUnreachable'],
  ['{{namespace}}.{{name}} {{workloads}}', 'a.b x:deployment/y, x:deployment/z'],
  ['{{constructor}} {{', '{{constructor}} {{'],
  ['plain', 'plain'],
])('the template %s says "%s"', (template, text) => {
  expect(fillTemplate(template, event)).toBe(text)
})

it('a template with a word that no event has is refused', () => {
  expect(templateProblem('{{message}} {{ commit}}')).toBeUndefined()
  expect(templateProblem('{{message}} {{toString}}')).toContain('{{toString}} is not one of message')
})
