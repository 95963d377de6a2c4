/**
 * Text that others wrote, safe for a terminal and for one line of a table: line breaks become spaces, and what could move the cursor,
 * colour, hide or turn text round is shown as `�`.
 */
export function clean(text: string): string {
  return text
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '�')
    .trim()
}

/** The same for a line whose blanks count, such as one of a diff. */
export function cleanLine(line: string): string {
  return line.replaceAll('\t', '  ').replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '�')
}
