import { Type } from 'typebox'

/** Path of an object: names as Kubernetes has them. */
export const ObjectName = Type.Object({
  namespace: Type.String({ minLength: 1, maxLength: 63, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' }),
  name: Type.String({ minLength: 1, maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' }),
})

/** Path of a commit of a source; the first seven digits may do. */
export const CommitOfSource = Type.Object({
  ...ObjectName.properties,
  commit: Type.String({ pattern: '^[0-9a-f]{7,40}$' }),
})
