import { splitDocuments } from './split.ts'

const maxCharacters = 1024 * 1024
const maxDocuments = 2_000

/**
 * Cuts what a program printed between documents into texts that are well within the limits of one file (hazard G3). At least one
 * text, empty if need be; a single document may still be too large.
 */
export function inPortions(text: string): string[] {
  if (text.length <= maxCharacters && text.split('\n---').length <= maxDocuments) return [text]
  const portions: string[] = []
  let start = 0
  let documents = 0
  for (const { text: document, offset } of splitDocuments(text)) {
    const end = offset + document.length
    if (documents > 0 && (end - start > maxCharacters || documents >= maxDocuments)) {
      portions.push(text.slice(start, offset))
      start = offset
      documents = 0
    }
    documents++
  }
  return [...portions, text.slice(start)]
}
