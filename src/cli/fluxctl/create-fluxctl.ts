import type { RenderChart } from '../commands/install.ts'
import type { ForwardTo } from '../connect.ts'
import type { Cli } from '../create-cli.ts'
import { exitCodes } from '../exit.ts'
import { clean, cleanLine } from '../print/clean.ts'
import type { Output } from '../print/style.ts'
import { printCandidates } from '../completion/candidates.ts'
import { completeFluxctl } from '../completion/complete-fluxctl.ts'
import { namespaceNames, within, workloadNames } from '../completion/read-names.ts'
import { completionScript, isShell } from '../completion/scripts.ts'
import { createFluxApi, type FluxApi } from './api.ts'
import type { Verb, VerbContext } from './context.ts'
import { Failure, FluxProblem } from './failure.ts'
import { findVerb, verbNamed } from './find-verb.ts'
import { identity } from './identity.ts'
import { install } from './install.ts'
import { listImages } from './list-images.ts'
import { listWorkloads } from './list-workloads.ts'
import type { Keys } from './menu.ts'
import { type Parsed, parseFlags } from './parse-flags.ts'
import { policy, shorthand } from './policy.ts'
import { release } from './release.ts'
import { save, type Yaml } from './save.ts'
import { sync } from './sync.ts'
import { sendAsFluxctl } from './send.ts'
import { helpFlag, helpText, rootUsage } from './usage.ts'
import { globalFlags, type VerbSpec } from './verbs.ts'

/** An open way to a server. */
export type Forwarded = { url: string; close: () => Promise<void> }

/** What fluxctl is made of. */
export type FluxctlOptions = {
  out: Output
  err: Output
  env: Readonly<Record<string, string | undefined>>
  version: string
  /** Aborted by Ctrl-C; the exit code is then 130. */
  signal: AbortSignal
  fetch: typeof fetch
  /** Forwards a port of this machine to fluxd's; throws a sentence. */
  forward: (to: ForwardTo) => Promise<Forwarded>
  /** Of a kubeconfig's context, the current one where it is empty; empty when it has none. */
  contextNamespace: (context: string) => Promise<string>
  /** `Name <mail>` by git's configuration, or what of it is there. */
  author: () => Promise<string>
  keys: () => Keys
  yaml: () => Promise<Yaml>
  render: RenderChart
  now: () => number
  pause: (ms: number) => Promise<void>
}

/**
 * The program when it is called `fluxctl`: verbs, flags, tables, texts and exit codes of fluxctl 1.25 (flux-v1 §24), over the same API.
 * It never rejects.
 */
export function createFluxctl(options: FluxctlOptions): Cli {
  return {
    async run(argv) {
      let verb: VerbSpec | undefined
      try {
        if (argv[0] === '__complete') return await completeLine(options, argv.slice(1))
        const found = findVerb(argv)
        verb = found.verb
        await perform(options, verb, found.rest)
        return exitCodes.done
      } catch (error) {
        if (options.signal.aborted) return exitCodes.interrupted
        options.err.write(errorText(error, verb))
        return exitCodes.failed
      }
    },
  }
}

/** What the script of a shell asks; it is told nothing rather than an error. */
async function completeLine(options: FluxctlOptions, words: readonly string[]): Promise<number> {
  const candidates = await completeFluxctl(words, async (kind) => {
    try {
      const { verb, rest } = findVerb(words.slice(0, -2))
      const parsed = parseFlags([...(verb?.flags ?? []), ...globalFlags, helpFlag('fluxctl')], rest)
      setFromEnvironment(parsed, options.env)
      let names: string[] = []
      await connected(options, parsed, async (api) => {
        names = await within(kind === 'workload' ? workloadNames(api) : namespaceNames(api))
      })
      return names
    } catch {
      return []
    }
  })
  options.out.write(printCandidates(candidates, words.at(-1) ?? ''))
  return exitCodes.done
}

async function perform(options: FluxctlOptions, verb: VerbSpec | undefined, rest: readonly string[]): Promise<void> {
  const { out, err, env } = options
  const parsed = parseFlags([...(verb?.flags ?? []), ...globalFlags, helpFlag(verb?.name ?? 'fluxctl')], rest)
  err.write(parsed.warnings.join(''))
  const authorFor = async (one: VerbSpec | undefined) =>
    one?.flags.some(({ name }) => name === 'user') ? await options.author() : ''
  if (!verb || parsed.values.on('help')) {
    out.write(helpText(verb, await authorFor(verb)))
    return
  }
  if (!offline.has(verb.name)) setFromEnvironment(parsed, env)
  const context = contextFor(options, parsed)
  switch (verb.name) {
    case 'version':
      needNoWords(parsed)
      out.write(`${options.version}\n`)
      return
    case 'help':
      return await showHelp(options, parsed.words, authorFor)
    case 'completion':
      out.write(completionOf(parsed.words))
      return
    case 'install':
      return await install(options.render)(context)
    default:
      const work = verbFor(options, verb.name)
      return await connected(options, parsed, async (api) => await work({ ...context, api }))
  }
}

/** Verbs that ask no server. */
const offline = new Set(['version', 'help', 'completion', 'install'])

type Own = Omit<VerbContext, 'api'>

function contextFor(options: FluxctlOptions, { values: flags, words }: Parsed): Own {
  const { out, err, signal, now, pause } = options
  return {
    flags,
    words,
    out,
    err,
    signal,
    now,
    pause,
    timeoutMs: flags.duration('timeout'),
    namespace: async () =>
      flags.text('namespace') || (await options.contextNamespace(flags.text('context'))) || 'default',
    author: async () => (flags.has('user') ? flags.text('user') : await options.author()),
  }
}

/** The environment counts where the command line says nothing; of two variables the last one that is set. */
function setFromEnvironment({ values, set }: Parsed, env: FluxctlOptions['env']): void {
  const names: Record<string, string[]> = {
    'k8s-fwd-ns': ['FLUX_FORWARD_NAMESPACE'],
    'k8s-fwd-labels': ['FLUX_FORWARD_LABELS'],
    token: ['FLUX_SERVICE_TOKEN', 'WEAVE_CLOUD_TOKEN'],
    url: ['FLUX_URL'],
    timeout: ['FLUX_TIMEOUT'],
  }
  for (const [flag, variables] of Object.entries(names)) {
    const text = variables.map((name) => env[name]).findLast(Boolean)
    if (text && !values.has(flag)) set(flag, text)
  }
}

const cloud = 'https://cloud.weave.works/api/flux'

async function connected(
  options: FluxctlOptions,
  { values }: Parsed,
  work: (api: FluxApi) => Promise<void>,
): Promise<void> {
  const token = values.text('token')
  const given = values.text('url') || (token === '' ? '' : cloud)
  if (given !== '' && !URL.canParse(given)) throw new Failure(`parsing URL: parse ${JSON.stringify(given)}: no URL`)
  const wanted = {
    context: values.text('context'),
    namespace: values.text('k8s-fwd-ns'),
    labels: values.map('k8s-fwd-labels'),
  }
  const forwarded = given === '' ? await options.forward(wanted) : undefined
  const url = forwarded ? `${forwarded.url}/api/flux` : given
  try {
    const api: FluxApi = createFluxApi(sendAsFluxctl({ url, token, fetch: options.fetch, signal: options.signal }))
    await work(api)
  } finally {
    await forwarded?.close()
  }
}

function verbFor({ keys, yaml }: FluxctlOptions, name: string): Verb {
  const all: Record<string, Verb> = {
    'list-workloads': listWorkloads,
    'list-images': listImages,
    release: release(keys),
    automate: shorthand('automate'),
    deautomate: shorthand('deautomate'),
    lock: shorthand('lock'),
    unlock: shorthand('unlock'),
    policy,
    save: save(yaml),
    identity,
    sync,
  }
  return all[name] as Verb
}

async function showHelp(
  { out, err }: FluxctlOptions,
  words: readonly string[],
  authorFor: (verb: VerbSpec | undefined) => Promise<string>,
): Promise<void> {
  const [name] = words
  const verb = name === undefined ? undefined : verbNamed(name)
  if (name === undefined || verb) out.write(helpText(verb, await authorFor(verb)))
  else err.write(`Unknown help topic [${words.map((word) => `\`${clean(word)}\``).join(' ')}]\n${rootUsage()}`)
}

function completionOf(words: readonly string[]): string {
  const [shell, ...more] = words
  if (shell === undefined) throw new Failure('please specify a shell')
  if (more.length > 0) throw new Failure('please specify one of the following shells: bash fish zsh')
  if (!isShell(shell)) throw new Failure(`unsupported shell type ${JSON.stringify(shell)}`)
  return completionScript(shell, 'fluxctl')
}

function needNoWords({ words }: Parsed): void {
  if (words.length > 0) throw new Failure('expected no (non-flag) arguments')
}

/** What fluxd says for people stands alone; everything else comes with the way to the help. */
function errorText(error: unknown, verb: VerbSpec | undefined): string {
  const { message } = error as Error
  const lines = message.split('\n').map(cleanTabbed).join('\n')
  if (error instanceof FluxProblem) return `== Error ==\n\n${lines}\n`
  return `Error: ${lines}\nRun 'fluxctl${verb ? ` ${verb.name}` : ''} --help' for usage.\n`
}

/** A line that keeps its tabs. */
function cleanTabbed(line: string): string {
  return line.split('\t').map(cleanLine).join('\t')
}
