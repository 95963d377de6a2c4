import type { Yaml } from '../cli/fluxctl/save.ts'

/** Reads and writes manifests as Go's parsers read them; loaded by the verb that needs it. */
export async function loadYaml(): Promise<Yaml> {
  const { parseAllDocuments, stringify } = await import('yaml')
  const { manifestYaml } = await import('../domain/manifest/go-yaml.ts')
  return {
    documents: (text) => parseAllDocuments(text, manifestYaml).map((one) => one.toJS() as unknown),
    print: (value) => stringify(value, { ...manifestYaml, indentSeq: false, lineWidth: 0 }),
  }
}
