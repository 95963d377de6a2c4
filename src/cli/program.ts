import { type Command, Option } from 'commander'
import { approveSource } from './commands/approve.ts'
import { explain } from './commands/explain.ts'
import { planSource } from './commands/plan.ts'
import { type IdentityOptions, showIdentity } from './commands/identity.ts'
import { resumeSource } from './commands/resume.ts'
import { showReleases, showSources, showStatus } from './commands/status.ts'
import { suspendSource } from './commands/suspend.ts'
import { syncSource, type SyncOptions } from './commands/sync.ts'
import { showVersion } from './commands/version.ts'
import { waitFor } from './commands/wait.ts'
import { addCompletion } from './completion/completion-program.ts'
import type { ServerChoice } from './connect.ts'
import type { Context, OutputFormat } from './context.ts'
import { type ExitCode, WrongUsage } from './exit.ts'
import { addEventCommands } from './event-program.ts'
import type { Keys } from './fluxctl/menu.ts'
import type { Yaml } from './fluxctl/save.ts'
import { addHelm } from './helm-verbs.ts'
import { addImageCommands } from './image-program.ts'
import { addQueueCommands } from './queue-program.ts'
import { addWorkloadCommands } from './workload-program.ts'
import { listOption, outputOption, type Perform, timeoutOption, userOption, watchOption } from './options.ts'
import type { ListOptions } from './print/listing.ts'
import type { Output } from './print/style.ts'

/** A command that reads its own arguments, such as `run`; it is listed with the others. */
export type OwnCommand = { name: string; summary: string; run(argv: readonly string[]): Promise<number> }

export type ProgramParts = {
  out: Output
  err: Output
  version: string
  commands: readonly OwnCommand[]
  contextFor(choice: ServerChoice): Context
  /** Standard input to its end. */
  readInput: () => Promise<string>
  /** The keys of the terminal. */
  keys: () => Keys
  yaml: () => Promise<Yaml>
  /** Told of each finished command's exit code. */
  end(code: ExitCode): void
}

const help = `
Examples:
  capstan status                   sources, releases, what failed and why
  capstan sync                     fetch and apply now, and wait for it
  capstan explain deployment/web   what stops it, and what would unblock it
  capstan plan                     what a sync would change, before it does
  capstan queue ls --state failed  what went wrong lately
  capstan release --workload demo:deployment/web --update-image ghcr.io/me/web:1.4.2

Exit codes: 0 as wished, 1 failed or not ready, 2 changes (only plan), 3 timeout, 4 not found, 5 denied, 6 server not reached,
64 wrong usage, 130 interrupted.`

/** All commands that speak to a server, on a fresh commander Command. */
export function buildProgram(program: Command, parts: ProgramParts): Command {
  program
    .description('Keeps a Kubernetes cluster equal to git: look at it, ask for work, look into the queue.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => parts.out.write(text), writeErr: (text) => parts.err.write(text) })
    .showHelpAfterError('(see --help)')
    .version(parts.version, '--version', 'print the version of this program')
    .option('-u, --url <url>', 'the server; else CAPSTAN_URL, FLUX_URL, or the playground of this folder')
    .option('-t, --token <token>', 'its token; others see it in the list of processes, better --token-file')
    .option('--token-file <file>', 'file with the token; else CAPSTAN_TOKEN, CAPSTAN_TOKEN_FILE, FLUX_SERVICE_TOKEN')
    .option('--context <name>', 'forward a port to the server, by this context of the kubeconfig')
    .option('--k8s-fwd-ns <namespace>', 'where its pod is; else FLUX_FORWARD_NAMESPACE, else capstan-system')
    .option('--k8s-fwd-labels <labels>', 'its labels, as key=value,…; else FLUX_FORWARD_LABELS')
    .addHelpText('after', help)

  /** Runs an action with the context that the command's options choose. */
  const perform = async (command: Command, work: (context: Context) => Promise<ExitCode>): Promise<void> =>
    parts.end(await work(parts.contextFor(command.optsWithGlobals<ServerChoice>())))

  addStatus(program, perform)
  addExplain(program, perform)
  addWait(program, perform)
  addSync(program, perform)
  addPlan(program, perform)
  addChanges(program, perform)
  addWorkloadCommands(program, perform, parts.yaml)
  addImageCommands(program, perform, parts)
  addHelm(program, perform)
  addEventCommands(program, perform)
  addQueueCommands(program, perform)
  addIdentity(program, perform)
  addVersion(program, perform)
  addCompletion(program, parts.out)
  for (const { name, summary } of parts.commands) program.command(name).description(summary).allowUnknownOption()
  return program
}

function addStatus(program: Command, perform: Perform): void {
  program
    .command('status')
    .description('sources, releases, what failed and why; exit 0 when all is ready')
    .addOption(listOption())
    .addOption(watchOption())
    .addHelpText(
      'after',
      '\nExamples:\n  capstan status\n  capstan status --watch\n  capstan status -o json | jq .ready',
    )
    .action(async (options: ListOptions, command: Command) => {
      await perform(command, (context) => showStatus(context, options))
    })
  program
    .command('sources')
    .description('the repositories that are kept applied, and what failed; exit 0 when all are ready')
    .addOption(listOption())
    .addOption(watchOption())
    .addHelpText('after', '\nExamples:\n  capstan sources -o wide\n  capstan sources -o name')
    .action(async (options: ListOptions, command: Command) => {
      await perform(command, (context) => showSources(context, options))
    })
  program
    .command('releases')
    .description('what helm made of each HelmRelease; exit 0 when all are ready')
    .addOption(listOption())
    .addOption(watchOption())
    .addHelpText('after', '\nExamples:\n  capstan releases\n  capstan releases --watch -o wide')
    .action(async (options: ListOptions, command: Command) => {
      await perform(command, (context) => showReleases(context, options))
    })
}

function addExplain(program: Command, perform: Perform): void {
  type Options = { namespace?: string; output: OutputFormat }
  program
    .command('explain')
    .description(
      'why something is not deployed: each step of its way, and the first cause that stops it; exit 0 when all is done',
    )
    .argument(
      '<subject>',
      'kind/name, namespace:kind/name, source/name, release/name, an image, a commit (7 digits or more), or a name',
    )
    .option('-n, --namespace <namespace>', 'of what is given as kind/name; else wherever it is')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  capstan explain deployment/web\n  capstan explain release/demo/podinfo\n  capstan explain ghcr.io/me/web:1.4.2\n  capstan explain 4f5e6d7',
    )
    .action(async (subject: string, { namespace, output }: Options, command: Command) => {
      await perform(command, (context) => explain(context, { subject, namespace, output }))
    })
}

function addWait(program: Command, perform: Perform): void {
  type Options = { commit?: string; timeout: number; output: OutputFormat }
  program
    .command('wait')
    .description(
      'wait until something is deployed; exit 1 when it is stopped and does not go on by itself, 3 when the time is over',
    )
    .argument('[subject]', 'as capstan explain takes it')
    .option('--commit <sha>', 'a commit, also one that was not fetched yet')
    .addOption(timeoutOption('5m', 300_000))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  capstan wait --commit "$(git rev-parse HEAD)"\n  capstan wait release/demo/podinfo --timeout 10m',
    )
    .action(async (given: string | undefined, { commit, timeout, output }: Options, command: Command) => {
      const subject = commit ?? given
      if (subject === undefined || (commit !== undefined && given !== undefined))
        throw new WrongUsage('Give a subject or --commit.')
      await perform(command, (context) =>
        waitFor(context, { subject, isCommit: commit !== undefined, timeoutMs: timeout, output }),
      )
    })
}

function addSync(program: Command, perform: Perform): void {
  type Options = Pick<SyncOptions, 'wait' | 'output'> & { timeout: number }
  program
    .command('sync')
    .description('fetch and apply now, and wait until the head at this moment is applied')
    .argument('[source]', sourceHelp)
    .addOption(new Option('--wait <what>', 'until what to wait').choices(['applied', 'health']).default('applied'))
    .option('--no-wait', 'only ask for it')
    .addOption(timeoutOption('1m', 60_000))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  capstan sync\n  capstan sync capstan-system/default --wait=health --timeout 5m',
    )
    .action(async (source: string | undefined, { timeout, ...options }: Options, command: Command) => {
      await perform(command, (context) => syncSource(context, { ...options, source, timeoutMs: timeout }))
    })
}

function addPlan(program: Command, perform: Perform): void {
  type Options = { ref?: string; dir?: string; full: boolean; timeout: number; output: OutputFormat }
  program
    .command('plan')
    .description(
      'what a sync would do, with diffs, before it does it; exit 0 when nothing, 2 when something would change',
    )
    .argument('[source]', sourceHelp)
    .option('--ref <commit>', 'a commit, tag or branch; else what the source follows, fetched now')
    .option('--dir <path>', 'a checkout on this machine in place of a revision; without generators, kustomize and sops')
    .option('--full', 'try every object, also those that seem not to differ', false)
    .addOption(timeoutOption('2m', 120_000))
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  capstan plan\n  capstan plan --ref my-branch\n  capstan plan --dir . -o json')
    .action(async (source: string | undefined, { timeout, ref, dir, ...options }: Options, command: Command) => {
      await perform(command, (context) => planSource(context, { ...options, source, ref, dir, timeoutMs: timeout }))
    })
}

/** Verbs that change how a source is treated. */
function addChanges(program: Command, perform: Perform): void {
  type Options = { commit?: string; reason: string; user?: string; timeout: number }
  const add = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .argument('[source]', sourceHelp)
      .addOption(userOption())
      .addOption(timeoutOption('1m', 60_000))
  add('approve', 'let a held mass deletion go, of one commit')
    .option('--commit <sha>', 'whose deletions; else the commit that is held now')
    .addHelpText('after', '\nExamples:\n  capstan status\n  capstan approve --commit 4f5e6d7')
    .action(async (source: string | undefined, { commit, user, timeout }: Options, command: Command) => {
      await perform(command, (context) => approveSource(context, { source, commit, user, timeoutMs: timeout }))
    })
  add('suspend', 'apply and delete nothing of a source until it is resumed')
    .option('--reason <text>', 'why, for everybody who wonders', '')
    .addHelpText('after', '\nExamples:\n  capstan suspend --reason "database migration"')
    .action(async (source: string | undefined, { reason, user, timeout }: Options, command: Command) => {
      await perform(command, (context) => suspendSource(context, { source, reason, user, timeoutMs: timeout }))
    })
  add('resume', 'go on with a suspended source')
    .addHelpText('after', '\nExamples:\n  capstan resume\n  capstan resume capstan-system/default')
    .action(async (source: string | undefined, { user, timeout }: Options, command: Command) => {
      await perform(command, (context) => resumeSource(context, { source, user, timeoutMs: timeout }))
    })
}

const sourceHelp = 'name or namespace/name; may be left out where there is one'

function addIdentity(program: Command, perform: Perform): void {
  program
    .command('identity')
    .description('public half of the deploy key, to be entered where the repository is kept')
    .option('-l, --fingerprint', 'its MD5 fingerprint instead', false)
    .option('-v, --visual', 'the fingerprint with its picture', false)
    .option('-r, --regenerate', 'make a new key first; the old one opens nothing any more', false)
    .addHelpText('after', '\nExamples:\n  capstan identity\n  capstan identity -v')
    .action(async (options: IdentityOptions, command: Command) => {
      await perform(command, (context) => showIdentity(context, options))
    })
}

function addVersion(program: Command, perform: Perform): void {
  program
    .command('version')
    .description('version of this program and of the server')
    .option('--client', 'only of this program', false)
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  capstan version\n  capstan version --client')
    .action(async ({ client, output }: { client: boolean; output: OutputFormat }, command: Command) => {
      await perform(command, (context) => showVersion(context, { clientOnly: client, output }))
    })
}
