import { setTimeout as sleep } from 'node:timers/promises'
import { Command, CommanderError } from 'commander'
import { ApiRefusal, createClient, type Transport } from '../api/client.ts'
import { buildProgram, type OwnCommand } from './program.ts'
import type { ServerChoice } from './connect.ts'
import type { Context } from './context.ts'
import { printCandidates } from './completion/candidates.ts'
import { complete } from './completion/complete.ts'
import { readNamesOf } from './completion/read-names.ts'
import { createFluxApi } from './fluxctl/api.ts'
import { sendOver } from './flux-transport.ts'
import type { Keys } from './fluxctl/menu.ts'
import type { Yaml } from './fluxctl/save.ts'
import { type ExitCode, exitCodeOf, exitCodes, WrongUsage } from './exit.ts'
import { clean } from './print/clean.ts'
import { createProgressLine } from './print/progress.ts'
import { createStyle, type Output } from './print/style.ts'

/** What the command line is made of. */
export type CliOptions = {
  /** Finds the server; see createConnect. Throws Unreachable. */
  connect: (choice: ServerChoice) => Transport
  out: Output
  err: Output
  env: Readonly<Record<string, string | undefined>>
  version: string
  /** Who asks, shown to others in the queue. */
  user: string
  /** Aborted by Ctrl-C; the exit code is then 130. */
  signal: AbortSignal
  now?: () => number
  pause?: (ms: number, until?: AbortSignal) => Promise<void>
  commands?: readonly OwnCommand[]
  /** Opens a link in a browser; false when it could not. Left out where there is no display. */
  openInBrowser?: (link: string) => Promise<boolean>
  /** Reads standard input to its end; left out: there is none. */
  readInput?: () => Promise<string>
  /** The keys of the terminal, for a menu; left out: there is none. */
  keys?: () => Keys
  yaml: () => Promise<Yaml>
}

export type Cli = {
  /** Runs one command line (without node and script) and gives its exit code (W36). Never rejects. */
  run(argv: readonly string[]): Promise<number>
}

/** The command line as a value: it writes to the given outputs and ends no process. */
export function createCli(options: CliOptions): Cli {
  const { commands = [], signal, err } = options

  function fail(error: unknown): ExitCode {
    if (signal.aborted) return exitCodes.interrupted
    const { message } = error as Error
    err.write(`${createStyle(err, options.env).bad('error')} ${clean(message)}\n`)
    const hint = hintOf(error)
    if (hint) err.write(`${clean(hint)}\n`)
    return exitCodeOf(error)
  }

  function programWith(end: (code: ExitCode) => void): Command {
    return buildProgram(new Command('capstan'), {
      ...options,
      commands,
      readInput: options.readInput ?? (async () => ''),
      keys: options.keys ?? noKeys,
      contextFor: (choice) => createContext(options, choice),
      end,
    })
  }

  /** What the script of a shell asks; it is told nothing rather than an error. */
  async function completeLine(words: readonly string[]): Promise<ExitCode> {
    const program = programWith(() => {})
    const candidates = await complete(program, words, async (kind) => {
      try {
        // the server that the line itself names
        program.parseOptions([...words])
        return await readNamesOf(createContext(options, program.opts<ServerChoice>()))(kind)
      } catch {
        return []
      }
    })
    options.out.write(printCandidates(candidates, words.at(-1) ?? ''))
    return exitCodes.done
  }

  return {
    async run(argv) {
      const own = commands.find(({ name }) => name === argv[0] || (argv[0] === 'help' && name === argv[1]))
      let code: number = exitCodes.done
      try {
        if (argv[0] === '__complete') return await completeLine(argv.slice(1))
        if (own) return await own.run(argv[0] === 'help' ? ['--help'] : argv.slice(1))
        const program = programWith((ended) => {
          code = ended
        })
        await program.parseAsync([...argv], { from: 'user' })
        return code
      } catch (error) {
        if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
        return fail(error)
      }
    },
  }
}

function noKeys(): never {
  throw new WrongUsage('--interactive needs a terminal.')
}

/** What to do about it, where somebody knows. */
function hintOf(error: unknown): string | undefined {
  if (!(error instanceof ApiRefusal)) return undefined
  if (error.problem.status === 401)
    return 'Give the token of the server with --token-file, CAPSTAN_TOKEN or CAPSTAN_TOKEN_FILE.'
  // what it says of documents is for programs
  if (error.problem.status === 400) return '(see --help)'
  return error.problem.unblock
}

function createContext(options: CliOptions, choice: ServerChoice): Context {
  const { out, err, env, version, user, signal } = options
  let transport: Transport | undefined
  const now = options.now ?? Date.now
  const isWanted = out.isTTY === true && err.isTTY === true && env.TERM !== 'dumb'
  const progress = createProgressLine({ terminal: err, style: createStyle(err, env), isWanted, now })
  const connected = (): Transport => (transport ??= options.connect(choice))
  return {
    client: () => createClient(connected()),
    flux: () => createFluxApi(sendOver(connected(), signal)),
    out: progress.beside(out),
    err: progress.beside(err),
    style: createStyle(out, env),
    progress,
    ...(options.openInBrowser ? { openInBrowser: options.openInBrowser } : {}),
    version,
    user,
    signal,
    now,
    pause: options.pause ?? (async (ms, until = signal) => await sleep(ms, undefined, { signal: until })),
  }
}
