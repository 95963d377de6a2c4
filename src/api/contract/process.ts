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
    ending: Type.String({
      description: 'Why no more requests are wanted, though they are answered; empty while they are.',
    }),
    warnings: Type.Array(Type.String()),
  },
  { $id: 'Readiness' },
)
export type Readiness = Static<typeof Readiness>

const Fingerprint = Type.Object({
  hash: Type.String(),
  randomart: Type.String({ description: "ssh-keygen's picture of it." }),
})

/** The public half of the deploy key, to be entered where the repository is kept. */
export const Identity = Type.Object(
  {
    publicKey: Type.String({ description: 'One line as in authorized_keys, with its line break.' }),
    fingerprints: Type.Object({ md5: Fingerprint, sha256: Fingerprint }),
  },
  { $id: 'Identity' },
)
export type Identity = Static<typeof Identity>

export const Version = Type.Object({ version: Type.String() }, { $id: 'Version' })
export type Version = Static<typeof Version>
