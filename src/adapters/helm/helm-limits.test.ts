import { expect, it } from 'vitest'
import { helmLimits } from './helm-limits.ts'

const mebibyte = 1024 ** 2

it.each([
  ['no limit', undefined, { data: 1024, goMemory: '256MiB', waiting: 32 }],
  ['much memory', 8192, { data: 1024, goMemory: '256MiB', waiting: 32 }],
  ["the chart's default", 1024, { data: 512, goMemory: '128MiB', waiting: 11 }],
  ['little memory', 512, { data: 256, goMemory: '64MiB', waiting: 2 }],
])('helm in a container with %s', (_, container, { data, goMemory, waiting }) => {
  expect(helmLimits(container === undefined ? undefined : container * mebibyte)).toEqual({
    run: { dataBytes: data * mebibyte, cpuSeconds: 60 },
    goMemory,
    waiting,
  })
})
