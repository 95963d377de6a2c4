import { type Static, Type } from 'typebox'

/** Whether a process can answer, with what is not as it should be. */
export const Readiness = Type.Object(
  {
    ready: Type.Boolean(),
    cluster: Type.Object({
      reachable: Type.Boolean(),
      server: Type.String(),
      version: Type.String(),
      message: Type.String(),
    }),
    redis: Type.Object({ up: Type.Boolean(), message: Type.String() }),
    starting: Type.String({ description: 'What the start still waits for; empty when it is over.' }),
    warnings: Type.Array(Type.String()),
  },
  { $id: 'Readiness' },
)
export type Readiness = Static<typeof Readiness>

export const Version = Type.Object({ version: Type.String() }, { $id: 'Version' })
export type Version = Static<typeof Version>
