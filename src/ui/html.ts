/** Markup that is safe to show; made by {@link html} alone. */
export type Html = { readonly markup: string }

type Part = Html | string | number | false | undefined | readonly Part[]

/** Markup from a template: what is put in is escaped unless it is markup itself; lists are joined, false and undefined leave nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  const texts = parts.map(print)
  return { markup: strings.map((text, index) => text + (texts[index] ?? '')).join('') }
}

function print(part: Part): string {
  if (part === false || part === undefined) return ''
  if (typeof part === 'string' || typeof part === 'number') return escape(String(part))
  return 'markup' in part ? part.markup : part.map(print).join('')
}

/** Also what would turn text round or hide it is made visible: a name is from strangers. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\S\n]+/gu, ' ')
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (found) => (found === '\n' ? found : '�'))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
