import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../lib/duration.ts'
import type { JobChange } from '../api/client.ts'
import type { JobQuery } from '../api/contract/job.ts'
import { changeJobs, listJobs, showJob } from './commands/queue.ts'
import { showStatus } from './commands/status.ts'
import { syncSource, type SyncOptions } from './commands/sync.ts'
import { showVersion } from './commands/version.ts'
import type { ServerChoice } from './connect.ts'
import type { Context, OutputFormat } from './context.ts'
import type { ExitCode } from './exit.ts'
import type { Output } from './print/style.ts'

/** A command that reads its own arguments, such as `run`; it is listed with the others. */
export type OwnCommand = { name: string; summary: string; run(argv: readonly string[]): Promise<number> }

export type ProgramParts = {
  out: Output
  err: Output
  version: string
  commands: readonly OwnCommand[]
  contextFor(choice: ServerChoice): Context
  /** Told of each finished command's exit code. */
  end(code: ExitCode): void
}

const kinds = ['fetch-source', 'sync-source', 'sync-release', 'scan-image', 'update-images', 'resync']
const states = ['waiting', 'active', 'delayed', 'completed', 'failed']

const help = `
Examples:
  capstan status                  sources, releases, what failed and why
  capstan sync                    fetch and apply now, and wait for it
  capstan queue ls --state failed what went wrong lately

Exit codes: 0 as wished, 1 failed or not ready, 3 timeout, 4 not found, 5 denied, 6 server not reached,
64 wrong usage, 130 interrupted.`

/** All commands that speak to a server, on a fresh commander Command. */
export function buildProgram(program: Command, parts: ProgramParts): Command {
  program
    .description('Keeps a Kubernetes cluster equal to git: look at it, ask for work, look into the queue.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => parts.out.write(text), writeErr: (text) => parts.err.write(text) })
    .showHelpAfterError('(see --help)')
    .version(parts.version, '--version', 'print the version of this program')
    .option('--url <url>', 'the server; else CAPSTAN_URL, else the playground of this folder')
    .option('--token-file <file>', 'file with the token; else CAPSTAN_TOKEN or CAPSTAN_TOKEN_FILE')
    .addHelpText('after', help)

  /** Runs an action with the context that the command's options choose. */
  const perform = async (command: Command, work: (context: Context) => Promise<ExitCode>): Promise<void> =>
    parts.end(await work(parts.contextFor(command.optsWithGlobals<ServerChoice>())))

  addStatus(program, perform)
  addSync(program, perform)
  addQueue(program, perform)
  addVersion(program, perform)
  for (const { name, summary } of parts.commands) program.command(name).description(summary).allowUnknownOption()
  return program
}

type Perform = (command: Command, work: (context: Context) => Promise<ExitCode>) => Promise<void>

function outputOption(): Option {
  return new Option('-o, --output <format>', 'for people or for scripts').choices(['table', 'json']).default('table')
}

function addStatus(program: Command, perform: Perform): void {
  program
    .command('status')
    .description('sources, releases, what failed and why; exit 0 when all is ready')
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  capstan status\n  capstan status -o json | jq .ready')
    .action(async (options: { output: OutputFormat }, command: Command) => {
      await perform(command, (context) => showStatus(context, options))
    })
}

function addSync(program: Command, perform: Perform): void {
  type Options = Pick<SyncOptions, 'wait' | 'output'> & { timeout: number }
  program
    .command('sync')
    .description('fetch and apply now, and wait until the head at this moment is applied')
    .argument('[source]', 'name or namespace/name; may be left out where there is one')
    .addOption(new Option('--wait <what>', 'until what to wait').choices(['applied', 'health']).default('applied'))
    .option('--no-wait', 'only ask for it')
    .addOption(
      new Option('--timeout <duration>', 'give up waiting after this').default(60_000, '1m').argParser(readDuration),
    )
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  capstan sync\n  capstan sync capstan-system/default --wait=health --timeout 5m',
    )
    .action(async (source: string | undefined, { timeout, ...options }: Options, command: Command) => {
      await perform(command, (context) => syncSource(context, { ...options, source, timeoutMs: timeout }))
    })
}

function addQueue(program: Command, perform: Perform): void {
  const queue = program.command('queue').description('look into the queue and change what is in it')
  queue
    .command('ls')
    .description('what runs, what comes next, what ended')
    .addOption(new Option('--kind <kind...>', 'only these kinds of jobs').choices(kinds))
    .addOption(new Option('--state <state...>', 'only jobs in these states').choices(states))
    .addOption(new Option('--limit <number>', 'at most so many').default(50).argParser(readLimit))
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  capstan queue ls\n  capstan queue ls --state failed --kind sync-source')
    .action(async ({ output, ...query }: JobQuery & { output: OutputFormat }, command: Command) => {
      await perform(command, (context) => listJobs(context, { query, output }))
    })
  queue
    .command('show')
    .description('everything about one job')
    .argument('<job>')
    .addOption(outputOption())
    .action(async (id: string, { output }: { output: OutputFormat }, command: Command) => {
      await perform(command, (context) => showJob(context, { id, output }))
    })
  const changes: Record<JobChange, string> = {
    retry: 'run jobs next that wait or wait to be tried again; ask for ended ones again',
    cancel: 'remove jobs that wait, stop jobs that run',
    promote: 'run jobs next that wait or are delayed',
  }
  for (const [change, description] of Object.entries(changes) as [JobChange, string][]) {
    queue
      .command(change)
      .description(description)
      .argument('<job...>')
      .action(async (ids: string[], _options: unknown, command: Command) => {
        await perform(command, (context) => changeJobs(context, { ids, change }))
      })
  }
}

function addVersion(program: Command, perform: Perform): void {
  program
    .command('version')
    .description('version of this program and of the server')
    .option('--client', 'only of this program', false)
    .addOption(outputOption())
    .action(async ({ client, output }: { client: boolean; output: OutputFormat }, command: Command) => {
      await perform(command, (context) => showVersion(context, { clientOnly: client, output }))
    })
}

function readDuration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new InvalidArgumentError('It must be a duration such as 30s or 5m.')
  return ms
}

function readLimit(text: string): number {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new InvalidArgumentError('It must be from 1 to 1000.')
  return limit
}
