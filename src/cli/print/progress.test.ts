import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Job } from '../../api/contract/job.ts'
import { createProgressLine, wordsOf } from './progress.ts'
import { createStyle } from './style.ts'

const job: Job = {
  id: 'sync-source.1',
  kind: 'sync-source',
  namespace: 'a',
  name: 'default',
  reason: 'requested by ada',
  state: 'active',
  lane: 'person',
  attempts: 1,
  requestedAt: '2026-11-21T10:00:00Z',
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function open(isWanted = true, columns = 60) {
  let written = ''
  const terminal = { isTTY: true, columns, write: (text: string) => (written += text) }
  const line = createProgressLine({
    terminal,
    style: createStyle(terminal, { NO_COLOR: '1' }),
    isWanted,
    now: Date.now,
  })
  return { line, terminal, take: () => [written, (written = '')][0] }
}

describe('the line that says what is waited for', () => {
  it('is written anew with counts and the time, and taken away', () => {
    const { line, take } = open()
    line.begin('the fetch')
    expect(take()).toBe('')
    vi.advanceTimersByTime(1000)
    expect(take()).toBe('\r\u001b[2Kwaiting for the fetch, 1s')
    line.job({ ...job, progress: { step: 'applying objects', done: 120, total: 998 } })
    expect(take()).toBe('\r\u001b[2Ksync-source default: applying objects 120 of 998, 1s')
    line.end()
    expect(take()).toBe('\r\u001b[2K')
    vi.advanceTimersByTime(5000)
    line.job(job)
    expect(take()).toBe('')
  })

  it('gives way to what is printed', () => {
    const { line, terminal, take } = open()
    const out = line.beside(terminal)
    out.write('a\n')
    line.begin('the fetch')
    vi.advanceTimersByTime(1000)
    out.write('b\n')
    out.write('c\n')
    expect(take()).toBe('a\n\r\u001b[2Kwaiting for the fetch, 1s\r\u001b[2Kb\nc\n')
    line.end()
  })

  it('is one line whatever others wrote, and does nothing to the terminal', () => {
    const { line, take } = open(true, 24)
    line.begin('a\nb\u001b[2J')
    vi.advanceTimersByTime(1000)
    expect(take()).toBe('\r\u001b[2Kwaiting for a b�[2J, 1s')
    line.job({ ...job, name: '部署'.repeat(9) })
    expect(take()).toBe('\r\u001b[2Ksync-source 部署部署部…')
    line.end()
  })

  it('takes a terminal that does not know its width for a usual one', () => {
    const { line, take } = open(true, 0)
    line.begin('the fetch')
    vi.advanceTimersByTime(1000)
    expect(take()).toContain('waiting for the fetch, 1s')
    line.end()
  })

  it('is nothing for short work, nor where nobody looks', () => {
    const { line, take } = open()
    line.begin('the fetch')
    line.job(job)
    line.end()
    expect(take()).toBe('')
    const piped = open(false)
    piped.line.begin('the fetch')
    vi.advanceTimersByTime(10_000)
    piped.line.job(job)
    piped.line.end()
    expect(piped.take()).toBe('')
  })

  it.each<[Partial<Job>, string]>([
    [{ state: 'waiting' }, 'in line (person)'],
    [{ state: 'active' }, 'runs'],
    [{ progress: { step: 'reading git and the cluster', done: 0, total: 0 } }, 'reading git and the cluster'],
    [
      { state: 'delayed', waitsFor: 'waits for a chart', nextRunAt: '2026-11-21T10:00:30Z' },
      'waits for a chart; next try in 30s',
    ],
    [{ state: 'completed' }, 'completed'],
  ])('says of %j: %s', (change, words) => {
    expect(wordsOf({ ...job, ...change }, Date.parse('2026-11-21T10:00:00Z'))).toBe(words)
  })
})
