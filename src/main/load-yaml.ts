import type { Yaml } from '../cli/fluxctl/save.ts'

/** Reads and writes manifests; loaded by the verb that needs it. Not the package itself: bundled, it has no names when it is imported so. */
export async function loadYaml(): Promise<Yaml> {
  const { yaml } = await import('./manifest-yaml.ts')
  return yaml
}
