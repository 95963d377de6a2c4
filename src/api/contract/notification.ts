import { type Static, Type } from 'typebox'

/** What an image registry sends after a push; everything but the used fields is passed over. */
export const RegistryNotification = Type.Object(
  {
    events: Type.Array(
      Type.Object({
        action: Type.Optional(Type.String()),
        target: Type.Optional(
          Type.Object({
            repository: Type.Optional(Type.String({ maxLength: 255 })),
            tag: Type.Optional(Type.String({ maxLength: 128 })),
            url: Type.Optional(Type.String({ maxLength: 2048 })),
          }),
        ),
        request: Type.Optional(Type.Object({ host: Type.Optional(Type.String({ maxLength: 255 })) })),
      }),
      { maxItems: 1000 },
    ),
  },
  { $id: 'RegistryNotification', description: "The envelope of docker-registry's notifications." },
)
export type RegistryNotification = Static<typeof RegistryNotification>
