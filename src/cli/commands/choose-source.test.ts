import { describe, expect, it } from 'vitest'
import type { Client } from '../../api/client.ts'
import type { Source } from '../../api/contract/status.ts'
import type { Workload } from '../../api/contract/workload.ts'
import { NotThere, WrongUsage } from '../exit.ts'
import { chooseSource, chooseSourceOf } from './choose-source.ts'

const signal = new AbortController().signal
const web = 'demo:deployment/web'

/** A server with these sources, and with workloads by ID and source. */
function serverWith(names: readonly string[], workloads: Record<string, string> = {}) {
  const sources = names.map((name) => ({ namespace: 'team', name }) as Source)
  const client = {
    sources: async () => ({ sources, next: '', notes: [] }),
    // as the server does it: all whose ID holds the text
    workloads: async ({ name = '' }) => ({
      workloads: Object.entries(workloads)
        .filter(([id]) => id.includes(name))
        .map(([id, source]) => ({ id, source }) as Workload),
      next: '',
    }),
  }
  return { client: () => client as unknown as Client, signal }
}

describe('chooseSource', () => {
  it.each([
    ['the only one', ['a'], undefined, 'a'],
    ['by its name', ['a', 'b'], 'b', 'b'],
    ['by namespace and name', ['a', 'b'], 'team/b', 'b'],
  ])('finds %s', async (_what, names, given, name) => {
    expect(await chooseSource(serverWith(names), given)).toMatchObject({ name })
  })

  it.each([
    ['one of several that nobody named', ['a', 'b'], undefined, WrongUsage],
    ['one that is not there', ['a'], 'b', NotThere],
    ['one where there is none', [], undefined, NotThere],
  ])('refuses %s', async (_what, names, given, error) => {
    await expect(chooseSource(serverWith(names), given)).rejects.toBeInstanceOf(error)
  })
})

describe('chooseSourceOf', () => {
  it.each([
    ['the one that has the workload', { [web]: 'team/b', [`${web}-2`]: 'team/a' }, undefined, [web], 'b'],
    ['the one that has all of them', { [web]: 'team/b', 'demo:daemonset/log': 'team/b' }, undefined, [web], 'b'],
    ['the one that is named, whatever it has', { [web]: 'team/b' }, 'a', [web], 'a'],
  ])('finds %s', async (...[, workloads, given, ids, name]) => {
    expect(await chooseSourceOf(serverWith(['a', 'b'], workloads), given, ids)).toMatchObject({ name })
  })

  it.each([
    ['which where no workload is named', {}, [], /^Which source\?/],
    ['which where git does not have the workload', { [web]: '' }, [web], /^Which source\?/],
    [
      'for one source at a time',
      { [web]: 'team/b', 'demo:daemonset/log': 'team/a' },
      [web, 'demo:daemonset/log'],
      /demo:deployment\/web is in team\/b, demo:daemonset\/log is in team\/a/,
    ],
  ])('asks %s', async (_what, workloads: Record<string, string>, ids, message) => {
    await expect(chooseSourceOf(serverWith(['a', 'b'], workloads), undefined, ids)).rejects.toThrow(message)
  })
})
