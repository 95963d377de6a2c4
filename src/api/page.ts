import { problem, Refusal } from './problem.ts'

/** Which part of a list is wanted. */
export type PageQuery = { cursor?: string | undefined; limit?: number | undefined }

/** How a list may be ordered: by texts that are compared one after the other. They must tell all rows apart. */
export type Order<T> = { keyOf: (row: T) => readonly string[]; descending: boolean }

export const usualPage = 100

/** One page and where the next begins; `next` is empty at the end. A row that comes or goes meanwhile moves no other. */
export function pageOf<T>(
  rows: readonly T[],
  { cursor = '', limit = usualPage }: PageQuery,
  { keyOf, descending }: Order<T>,
): { items: T[]; next: string } {
  const before = cursor === '' ? undefined : readCursor(cursor)
  const sign = descending ? -1 : 1
  const page: { row: T; key: readonly string[] }[] = []
  for (const row of rows) {
    const key = keyOf(row)
    if (before && sign * compare(key, before) <= 0) continue
    const last = page[limit]
    if (last && sign * compare(key, last.key) >= 0) continue
    page.splice(placeOf(key, page, sign), 0, { row, key })
    if (page.length > limit + 1) page.pop()
  }
  const items = page.slice(0, limit)
  return { items: items.map(({ row }) => row), next: page.length > limit ? printCursor(items.at(-1)?.key ?? []) : '' }
}

/** The order that a word asks for; a minus in front turns it round. The first one where none is given. */
export function orderOf<T>(word: string | undefined, orders: Readonly<Record<string, Order<T>['keyOf']>>): Order<T> {
  const name = (word ?? Object.keys(orders)[0] ?? '').replace(/^-/, '')
  return { keyOf: orders[name] ?? (() => []), descending: word?.startsWith('-') === true }
}

/** Where in the page a row belongs, which is in order already. */
function placeOf(key: readonly string[], page: readonly { key: readonly string[] }[], sign: number): number {
  let [from, to] = [0, page.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if (sign * compare(page[middle]?.key ?? [], key) < 0) from = middle + 1
    else to = middle
  }
  return from
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (const [index, text] of a.entries()) {
    const other = b[index] ?? ''
    if (text !== other) return text < other ? -1 : 1
  }
  return 0
}

function printCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url')
}

function readCursor(cursor: string): string[] {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(key) && key.every((text) => typeof text === 'string')) return key
  } catch {
    // what is no JSON is no cursor either
  }
  throw new Refusal(problem('InvalidRequest', 'The cursor is none of ours. Take it from `next` of the page before.'))
}
