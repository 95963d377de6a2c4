import { checkGitPaths, checkValues } from './check.ts'
import type { Config } from './config.ts'
import { makeConfig } from './make-config.ts'
import { type FlagName, type FlagValues, flags, isFlagName } from './flags.ts'
import { type Given, parseArgv, unknownFlag } from './parse-argv.ts'
import { defaultValue, readValue } from './read-value.ts'
import { warnings } from './warn.ts'

export type LoadResult =
  | { config: Config }
  /** Everything that is wrong, one sentence each, and fluxd's exit code for it. */
  | { problems: string[]; exitCode: 1 | 2 }
  /** `--help` or `--version`: print that and exit 0. */
  | { show: 'help' | 'version' }

export type LoadOptions = {
  /** The words after `run`. */
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  /** The parsed content of --config-file (see {@link configFileOf}): flag names without dashes. */
  file?: unknown
}

/** Turns file < environment < flags into settings. All problems are found at once; nothing is read but what is passed. */
export function loadConfig({ argv, env, file }: LoadOptions): LoadResult {
  const { given, problems, wantsHelp } = parseArgv(argv)
  if (wantsHelp) return { show: 'help' }
  problems.push(...addFile(given, file, env))
  // what the environment says is no contradiction: it may be meant for others too
  const said = new Set(given.keys())
  addEnvironment(given, env)

  const read = readAll(given)
  problems.push(...read.problems)
  const { values } = read
  const isGiven = (name: FlagName): boolean => said.has(name)
  if (values.version) return { show: 'version' }

  problems.push(...checkValues(values, { isGiven, env }))
  const paths = checkGitPaths(values['git-path'])
  if (problems.length + paths.length > 0) {
    return { problems: [...problems, ...paths], exitCode: problems.length > 0 ? 2 : 1 }
  }
  return { config: makeConfig(values, { env, isGiven, warnings: warnings(values, isGiven) }) }
}

/** The path given by --config-file or CAPSTAN_CONFIG_FILE, for whoever reads it before {@link loadConfig}. */
export function configFileOf({ argv, env }: Pick<LoadOptions, 'argv' | 'env'>): string | undefined {
  const { given } = parseArgv(argv)
  addEnvironment(given, env)
  return given.get('config-file')?.at(-1) || undefined
}

function addEnvironment(given: Given, env: LoadOptions['env']): void {
  for (const name of Object.keys(flags) as FlagName[]) {
    if (given.has(name)) continue
    const value = fromEnvironment(name, env)
    if (value !== undefined) given.set(name, [value])
  }
}

function fromEnvironment(name: FlagName, env: LoadOptions['env']): string | undefined {
  return flags[name].env?.map((variable) => env[variable]).find((text) => text !== undefined && text !== '')
}

function addFile(given: Given, file: unknown, env: LoadOptions['env']): string[] {
  if (file === undefined || file === null) return []
  if (typeof file !== 'object' || Array.isArray(file)) return ['the config file must hold flags by name']
  const problems: string[] = []
  for (const [name, value] of Object.entries(file)) {
    const texts = textsOf(value)
    if (!isFlagName(name)) problems.push(`config file: ${unknownFlag(name)}`)
    else if (!texts) problems.push(`config file: ${name} must be a text, number, boolean or list of texts`)
    else if (!given.has(name) && fromEnvironment(name, env) === undefined) given.set(name, texts)
  }
  return problems
}

function textsOf(value: unknown): string[] | undefined {
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string') ? value.map(quoted) : undefined
  return ['string', 'number', 'boolean'].includes(typeof value) ? [String(value)] : undefined
}

/** A list in a file is a list already: its commas are no separators. */
function quoted(text: string): string {
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A wrong value is a problem and leaves its default, so that everything else is still looked at. */
function readAll(given: Given): { values: FlagValues; problems: string[] } {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const name of Object.keys(flags) as FlagName[]) {
    const texts = given.get(name)
    const read = texts ? readValue(flags[name], texts) : { value: defaultValue(flags[name]) }
    if ('problem' in read) problems.push(`--${name} ${read.problem}`)
    values[name] = 'value' in read ? read.value : defaultValue(flags[name])
  }
  return { values: values as FlagValues, problems }
}
