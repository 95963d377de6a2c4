import type { GoSource } from './table.ts'

/** What `go mod edit -json` says about a module's own go.mod, as far as it matters here. */
export type ModuleFile = {
  Go?: string
  Godebug?: readonly { Key: string; Value: string }[] | null
  Require?: readonly { Path: string; Version: string }[] | null
  Replace?: readonly { Old: { Path: string }; New: { Path: string; Version?: string } }[] | null
}

/**
 * The go.mod of a throw-away module that requires the source's module and nothing else. Kubernetes requires its siblings as
 * `v0.0.0` and replaces them by folders, which counts in its own repository only: here each is replaced by its published version.
 */
export function goModText(source: GoSource, file: ModuleFile): string {
  const siblings = (file.Require ?? []).filter(({ Version }) => Version === 'v0.0.0').map(({ Path }) => Path)
  if (siblings.length > 0 && !source.staging) throw new Error(`${source.module} requires ${siblings[0]} as v0.0.0`)
  return [
    'module capstan.tools/build',
    `go ${file.Go ?? '1.21'}`,
    ...(file.Godebug ?? []).map(({ Key, Value }) => `godebug ${Key}=${Value}`),
    `require ${source.module} ${source.version}`,
    ...siblings.map((path) => `replace ${path} => ${path} ${source.staging}`),
    ...(source.replaces ? replacements(source.replaces, file) : []),
    '',
  ].join('\n')
}

function replacements(folders: NonNullable<GoSource['replaces']>, { Replace }: ModuleFile): string[] {
  return (Replace ?? []).map(({ Old, New }) => {
    if (New.Version) return `replace ${Old.Path} => ${New.Path} ${New.Version}`
    const version = folders[Old.Path]
    if (!version) throw new Error(`${Old.Path} is replaced by a folder, and its published version is not known`)
    return `replace ${Old.Path} => ${Old.Path} ${version}`
  })
}
