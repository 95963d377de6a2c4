import { expect, it } from 'vitest'
import { pidsOf } from './playground-file.ts'

it('names the pids as programs know them and leaves out what does not run', () => {
  const programs = [
    { name: 'kube-apiserver', pid: () => 11 },
    { name: 'charts', pid: () => 12 },
    { name: 'redis', pid: () => undefined },
    { name: 'something else', pid: () => 13 },
  ]
  expect(pidsOf(10, programs)).toEqual({ supervisor: 10, kubeApiserver: 11, charts: 12 })
})
