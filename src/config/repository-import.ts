/** `v3:/path` of `--helm-repository-import`; what is meant for helm 2, or has another form, is passed over (helm-operator §8.1). */
export function readImports(imports: readonly string[]): { files: string[]; passedOver: string[] } {
  const files = imports.flatMap((text) => /^v3:([^:]+)$/.exec(text)?.[1] ?? [])
  return { files, passedOver: imports.filter((text) => !/^v3:[^:]+$/.test(text)) }
}
