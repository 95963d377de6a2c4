const padding = 2

/**
 * Lines of cells, tabs between them, set in columns as Go's text/tabwriter does with fluxctl's settings: a column is as wide as its
 * widest cell and two blanks, and goes on for as long as line after line has a cell in it; the last cell of a line has no width.
 */
export function tabulate(lines: readonly string[]): string {
  const rows = lines.map((line) => line.split('\t'))
  const widths = rows.map(() => [] as number[])
  widen(rows, widths, { column: 0, from: 0, to: rows.length })
  return rows.map((row, at) => `${row.map((cell, column) => pad(cell, widths[at]?.[column])).join('')}\n`).join('')
}

type Block = { column: number; from: number; to: number }

/** Finds the blocks of a column between two lines; the columns to its right are looked for within each. */
function widen(rows: readonly string[][], widths: number[][], { column, from, to }: Block): void {
  const hasCell = (at: number): boolean => column < (rows[at]?.length ?? 0) - 1
  for (let start = from; start < to; start++) {
    if (!hasCell(start)) continue
    let end = start
    while (end < to && hasCell(end)) end++
    const width = Math.max(...rows.slice(start, end).map((row) => lengthOf(row[column] ?? ''))) + padding
    for (let at = start; at < end; at++) widths[at]?.push(width)
    widen(rows, widths, { column: column + 1, from: start, to: end })
    start = end - 1
  }
}

function pad(cell: string, width: number | undefined): string {
  return width === undefined ? cell : cell + ' '.repeat(width - lengthOf(cell))
}

function lengthOf(text: string): number {
  return Array.from(text).length
}
