import type { Output } from '../print/style.ts'
import type { ContainerUpdate, Results } from './api.ts'
import { Failure } from './failure.ts'
import { heading, type Item, itemsOf, rowOf } from './results.ts'
import { tabulate } from './tabwriter.ts'

/** A terminal in raw mode: one key at a time, as the bytes that it sends. Closed when no more are wanted. */
export type Keys = AsyncIterable<string> & { columns: number }

type Options = { out: Output; keys: Keys; results: Results; verbosity: number }

const [hideCursor, showCursor] = ['\u001b[?25l', '\u001b[?25h']

/** Lets a person choose among the updates of a plan, all of which are chosen at first. Throws when none is left or wanted. */
export async function choose({ out, keys, results, verbosity }: Options): Promise<Record<string, ContainerUpdate[]>> {
  const items = itemsOf(results, verbosity)
  const updates = items.filter((item) => item.update !== undefined)
  if (updates.length === 0) throw new Failure('No changes found.')
  const chosen = new Set(updates)
  let cursor = 0
  let lines = 0
  const draw = (): void => {
    const rows = menuRows({ items, chosen, at: updates[cursor] })
    out.write(`${lines > 0 ? `\u001b[${lines}A` : ''}${tabulate(rows)}`)
    lines = rows.reduce((sum, row) => sum + Math.floor(Buffer.byteLength(row) / keys.columns) + 1, 0)
  }
  draw()
  out.write(hideCursor)
  try {
    for await (const key of keys) {
      if (key === '\r') {
        out.write('\n')
        return gathered(updates.filter((item) => chosen.has(item)))
      }
      if (['q', '\u0003', '\u001b'].includes(key)) throw new Failure('Aborted.')
      const here = updates[cursor] as Item
      if (key === ' ' && !chosen.delete(here)) chosen.add(here)
      cursor = (cursor + stepOf(key) + updates.length) % updates.length
      draw()
    }
    throw new Failure('Aborted.')
  } finally {
    out.write(showCursor)
  }
}

function stepOf(key: string): number {
  if (['j', '\t', '\u001b[B'].includes(key)) return 1
  return ['k', '\u001b[A'].includes(key) ? -1 : 0
}

type Menu = { items: readonly Item[]; chosen: ReadonlySet<Item>; at: Item | undefined }

function menuRows({ items, chosen, at }: Menu): string[] {
  const rows = items.map((item, index) => {
    const box = item.update === undefined ? ' ' : chosen.has(item) ? '◉' : '◯'
    return `${item === at ? '⇒' : ' '} ${box} ${rowOf(item, items[index - 1])}`
  })
  const hint = 'Use arrow keys and [Space] to toggle updates; hit [Enter] to release selected.'
  return [`    ${heading}`, ...rows, '', hint]
}

function gathered(items: readonly Item[]): Record<string, ContainerUpdate[]> {
  const all: Record<string, ContainerUpdate[]> = {}
  for (const { id, update } of items) if (update) (all[id] ??= []).push(update)
  return all
}
