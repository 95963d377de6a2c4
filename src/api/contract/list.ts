import { Type } from 'typebox'

/** Where to read on; part of every list that comes in pages. */
export const next = Type.String({ description: 'Where to read on, as cursor; empty at the end.' })

/** The most rows of one page (hazard L9). */
export const mostRows = 500

/** What every list takes: the namespaces that are wanted, and which page. */
export const listQuery = {
  namespace: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 63 }), {
      maxItems: 50,
      description: 'Only of these namespaces.',
    }),
  ),
  cursor: Type.Optional(Type.String({ maxLength: 1000, description: '`next` of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: mostRows, default: 100 })),
}
