import { type Static, type TSchema, Type } from 'typebox'

/** Names another schema in place of repeating it, so that the OpenAPI document keeps its name. The schema must have an `$id`. */
export function ref<T extends TSchema & { $id?: string }>(schema: T) {
  return Type.Unsafe<Static<T>>({ $ref: `${schema.$id}#` })
}
