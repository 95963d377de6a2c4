import { parseAllDocuments, stringify } from 'yaml'
import type { Yaml } from '../cli/fluxctl/save.ts'
import { manifestYaml } from '../domain/manifest/go-yaml.ts'

/** Reads and writes manifests as Go's parsers read them. */
export const yaml: Yaml = {
  documents: (text) => parseAllDocuments(text, manifestYaml).map((one) => one.toJS() as unknown),
  print: (value) => stringify(value, { ...manifestYaml, indentSeq: false, lineWidth: 0 }),
}
