import { stringify } from 'yaml'
import { manifestYaml } from './go-yaml.ts'
import type { KubeObject } from './object.ts'

/** Objects as one file of YAML documents that Go's parsers read as they were: what looks like another type is quoted. */
export function printObjects(objects: readonly KubeObject[]): string {
  return objects
    .map((object) => `---\n${stringify(object, { ...manifestYaml, aliasDuplicateObjects: false, lineWidth: 0 })}`)
    .join('')
}
