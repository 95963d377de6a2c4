import { type Static, Type } from 'typebox'

/** What went wrong, as RFC 9457 (`application/problem+json`). */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Always about:blank: `reason` says which kind of problem it is.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'One plain sentence.' }),
    reason: Type.String({
      description:
        'One word: a reason of the status list, or Unauthorized, NotAllowed, NotFound, MethodNotAllowed, NotPossible, InvalidRequest, TooSlow, TooLarge, UnsupportedMediaType, TooManyRequests, HeadersTooLarge.',
    }),
    unblock: Type.Optional(Type.String({ description: 'What to do about it.' })),
    retryAfter: Type.Optional(
      Type.Integer({ description: 'Seconds after which it may be tried again, where time alone helps.' }),
    ),
  },
  { $id: 'Problem' },
)
export type Problem = Static<typeof Problem>
