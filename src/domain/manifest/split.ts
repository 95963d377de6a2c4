/** One document of a stream: its text and where it begins. */
export type DocumentText = { text: string; offset: number }

/**
 * Cuts a stream at its `---` lines, so that one broken document does not take the others with it. Documents of comments and
 * blank lines are left out. A `---` at the start of a line ends a document whatever it stands in (YAML 1.2 §9.1.2).
 */
export function splitDocuments(stream: string): DocumentText[] {
  const documents: DocumentText[] = []
  let start = 0
  while (start < stream.length) {
    const end = nextMarker(stream, start)
    if (hasContent(stream, start, end)) documents.push({ text: stream.slice(start, end), offset: start })
    start = end
  }
  return documents
}

/** Where the next document begins, with its `---` line; the end of the stream when there is none. */
function nextMarker(stream: string, from: number): number {
  let at = stream.indexOf('\n---', from)
  while (at >= 0) {
    const after = stream[at + 4]
    if (after === undefined || ' \t\r\n'.includes(after)) return at + 1
    at = stream.indexOf('\n---', at + 4)
  }
  return stream.length
}

function hasContent(stream: string, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const newline = stream.indexOf('\n', at)
    const lineEnd = newline < 0 || newline > end ? end : newline
    if (!isEmptyLine(stream.slice(at, lineEnd), at === start)) return true
    at = lineEnd + 1
  }
  return false
}

/** A directive line counts as empty too: what it says of the dialect is not asked, and alone it is no document. */
function isEmptyLine(line: string, first: boolean): boolean {
  const text = first && line.startsWith('---') ? line.slice(3) : line
  return /^[ \t\r]*(?:#.*)?$/.test(text) || line.startsWith('%') || /^\.\.\.[ \t\r]*$/.test(line)
}
