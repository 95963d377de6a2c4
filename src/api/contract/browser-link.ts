import { type Static, Type } from 'typebox'

/** What lets one browser in to look. */
export const BrowserLink = Type.Object(
  {
    path: Type.String({ description: 'To be opened below the address of this server; works once.' }),
    expiresAt: Type.String({ description: 'RFC 3339.' }),
  },
  { $id: 'BrowserLink' },
)
export type BrowserLink = Static<typeof BrowserLink>
