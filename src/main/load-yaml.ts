import type { Yaml } from '../cli/fluxctl/save.ts'

/** The reader of manifests; loaded by the verb that needs it. */
export async function loadYaml(): Promise<Yaml> {
  // not the package itself: bundled, it is CommonJS, and an import of that at run time has no names
  return (await import('./read-yaml.ts')).readYaml
}
