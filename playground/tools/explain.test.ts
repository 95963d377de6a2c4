import { expect, it } from 'vitest'
import { explainMissing } from './explain.ts'
import { tools } from './table.ts'

it('groups tools that failed for the same reasons and says what to do for each', () => {
  const reasons = [
    { way: 'path' as const, reason: 'not on PATH' },
    { way: 'official' as const, reason: 'https://dl.k8s.io/ cannot be reached' },
    { way: 'go' as const, reason: 'no go on PATH' },
  ]
  const text = explainMissing([
    { tool: tools['kube-apiserver'], reasons },
    { tool: tools['kube-scheduler'], reasons },
    { tool: tools['redis-server'], reasons: [{ way: 'apt', reason: 'apt needs root' }] },
  ])
  expect(text).toBe(`missing: kube-apiserver, kube-scheduler
  on PATH: not on PATH
  official file: https://dl.k8s.io/ cannot be reached
  Go build: no go on PATH
  → ${tools['kube-apiserver'].byHand}
  → ${tools['kube-scheduler'].byHand}
missing: redis-server
  Debian package: apt needs root
  → ${tools['redis-server'].byHand}`)
})
