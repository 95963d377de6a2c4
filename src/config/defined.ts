/** The field, unless the text is empty. */
export function defined<K extends string>(key: K, text: string): { [P in K]?: string } {
  return text === '' ? {} : ({ [key]: text } as { [P in K]: string })
}
