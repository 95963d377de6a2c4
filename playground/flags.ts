import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { exampleNames } from './sample-repository.ts'

/** What `npm start --` was asked for. */
export type Flags = {
  /** Synced in place of the sample. */
  git?: { url: string; branch: string; paths: string[] }
  /** One of the examples in place of the sample. */
  example?: string
  /** An existing cluster to use; then no control plane is started. */
  kubeconfig?: string
  /** Leave to change that cluster. */
  yes: boolean
  /** Go on with the state of the last start in place of the shipped sample. */
  keep: boolean
  /** Absolute. */
  stateDir: string
  /** Start Capstan again when its sources change. */
  watch: boolean
  help: boolean
  /** For `capstan run`, as given. */
  capstan: string[]
}

export const usage = `npm start -- [flags] [-- flags of capstan run]

  --git-url URL       sync this repository in place of the sample
  --git-branch B      its branch (main)
  --git-path P        a folder in it; may be given again (the whole repository)
  --example NAME      one of the examples in place of the sample: ${exampleNames.join(', ')}
  --kubeconfig F      use this cluster and start no control plane; wants --yes
  --yes               leave to change that cluster
  --keep              go on with the cluster, repositories and images of the last start
  --state-dir D       where all state and logs go (.capstan)
  --watch             start Capstan again when a file under src/ changes
`

/** Reads the arguments after the script's name; paths in them are relative to `cwd`. All problems at once. */
export function parseFlags(
  argv: readonly string[],
  { cwd, root }: { cwd: string; root: string },
): Flags | { problems: string[] } {
  const end = argv.indexOf('--')
  const own = end < 0 ? argv : argv.slice(0, end)
  const problems: string[] = []
  const { values, tokens } = parseArgs({ args: [...own], strict: false, tokens: true, allowPositionals: true, options })
  for (const token of tokens) problems.push(...problemOf(token))
  const text = (name: string) => {
    const value = values[name]
    return typeof value === 'string' ? value : undefined
  }
  const url = text('git-url')
  const branch = text('git-branch')
  const paths = (values['git-path'] ?? []).filter((path) => typeof path === 'string')
  const example = text('example')
  problems.push(...contradictions({ url, example, hasPlace: branch !== undefined || paths.length > 0 }))
  if (problems.length > 0) return { problems }
  const [kubeconfig, stateDir] = [text('kubeconfig'), text('state-dir')]
  return {
    ...(url && { git: { url, branch: branch ?? 'main', paths } }),
    ...(example && { example }),
    ...(kubeconfig && { kubeconfig: resolve(cwd, kubeconfig) }),
    yes: values.yes === true,
    keep: values.keep === true,
    stateDir: stateDir ? resolve(cwd, stateDir) : join(root, '.capstan'),
    watch: values.watch === true,
    help: values.help === true,
    capstan: end < 0 ? [] : argv.slice(end + 1),
  }
}

function contradictions({
  url,
  example,
  hasPlace,
}: {
  url: string | undefined
  example: string | undefined
  /** A branch or paths were given. */
  hasPlace: boolean
}): string[] {
  const problems: string[] = []
  if (!url && hasPlace) problems.push('--git-branch and --git-path need --git-url')
  if (url && example !== undefined) problems.push('--example and --git-url cannot be given together')
  if (example !== undefined && !exampleNames.includes(example))
    problems.push(`--example: there is no ${example}, but ${exampleNames.join(', ')}`)
  return problems
}

const options = {
  'git-url': { type: 'string' },
  'git-branch': { type: 'string' },
  'git-path': { type: 'string', multiple: true },
  example: { type: 'string' },
  kubeconfig: { type: 'string' },
  yes: { type: 'boolean' },
  keep: { type: 'boolean' },
  'state-dir': { type: 'string' },
  watch: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const
const switches = ['yes', 'keep', 'watch', 'help']
const withValue = ['git-url', 'git-branch', 'git-path', 'example', 'kubeconfig', 'state-dir']

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number]

function problemOf(token: Token): string[] {
  if (token.kind === 'positional') return [`"${token.value}" is not understood; flags of capstan run go after --`]
  if (token.kind !== 'option') return []
  const { name, rawName, value } = token
  if (switches.includes(name)) return value === undefined ? [] : [`${rawName} takes no value`]
  if (!withValue.includes(name)) return [`${rawName} is not known; flags of capstan run go after --`]
  const isFlag = token.inlineValue === false && value?.startsWith('-')
  return value && !isFlag ? [] : [`${rawName} wants a value`]
}
