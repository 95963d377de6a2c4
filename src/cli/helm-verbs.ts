import { type Command, InvalidArgumentError } from 'commander'
import { resumeRelease, rollbackRelease, suspendRelease } from './commands/change-release.ts'
import { planRelease, showValues } from './commands/plan-release.ts'
import { showHistory } from './commands/release-history.ts'
import type { OutputFormat } from './context.ts'
import type { ListOptions } from './print/listing.ts'
import { listOption, outputOption, type Perform, timeoutOption, userOption, watchOption } from './options.ts'

const nameHelp = "name or namespace/name of the HelmRelease, or helm's name of the release"

/** `capstan helm …`: what helm does for HelmReleases (W37; `release` is fluxctl's verb). */
export function addHelm(program: Command, perform: Perform): void {
  const helm = program
    .command('helm')
    .description('releases: what would change, their values, history, rollback')
    .addHelpText('after', '\nExamples:\n  capstan helm plan podinfo\n  capstan helm rollback podinfo 3')
  addLooks(helm, perform)
  addChanges(helm, perform)
}

function addLooks(helm: Command, perform: Perform): void {
  type Options = { timeout: number; output: OutputFormat }
  helm
    .command('plan')
    .description('what the next install or upgrade would change, with diffs; exit 0 when nothing, 2 when something')
    .argument('<name>', nameHelp)
    .addOption(timeoutOption('2m', 120_000))
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  capstan helm plan podinfo\n  capstan helm plan demo/podinfo -o json')
    .action(async (name: string, { timeout, output }: Options, command: Command) => {
      await perform(command, (context) => planRelease(context, { name, output, timeoutMs: timeout }))
    })
  helm
    .command('values')
    .description('each value that helm gets, and which source it comes from; those of Secrets are masked')
    .argument('<name>', nameHelp)
    .addOption(timeoutOption('2m', 120_000))
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  capstan helm values podinfo')
    .action(async (name: string, { timeout, output }: Options, command: Command) => {
      await perform(command, (context) => showValues(context, { name, output, timeoutMs: timeout }))
    })
  helm
    .command('history')
    .description('the revisions that helm stored, newest first')
    .argument('<name>', nameHelp)
    .addOption(listOption())
    .addOption(watchOption())
    .addHelpText('after', '\nExamples:\n  capstan helm history podinfo\n  capstan helm history demo/podinfo -o wide')
    .action(async (name: string, options: ListOptions, command: Command) => {
      await perform(command, (context) => showHistory(context, { ...options, name }))
    })
}

function addChanges(helm: Command, perform: Perform): void {
  type Options = { reason: string; user?: string; timeout: number }
  const add = (name: string, description: string) =>
    helm
      .command(name)
      .description(description)
      .argument('<name>', nameHelp)
      .addOption(userOption())
      .addOption(timeoutOption('1m', 60_000))
  add('rollback', 'go back to a revision, and stay there until chart or values change')
    .argument('[revision]', "helm's number; else the last good one before the newest", readRevision)
    .addHelpText('after', '\nExamples:\n  capstan helm history podinfo\n  capstan helm rollback podinfo 3')
    .action(async (name: string, revision: number | undefined, { user, timeout }: Options, command: Command) => {
      await perform(command, (context) => rollbackRelease(context, { name, revision, user, timeoutMs: timeout }))
    })
  add('suspend', 'leave a release alone until it is resumed')
    .option('--reason <text>', 'why, for everybody who wonders', '')
    .addHelpText('after', '\nExamples:\n  capstan helm suspend podinfo --reason "waits for the new schema"')
    .action(async (name: string, { reason, user, timeout }: Options, command: Command) => {
      await perform(command, (context) => suspendRelease(context, { name, reason, user, timeoutMs: timeout }))
    })
  add('resume', 'go on with a suspended release')
    .addHelpText('after', '\nExamples:\n  capstan helm resume podinfo')
    .action(async (name: string, { user, timeout }: Options, command: Command) => {
      await perform(command, (context) => resumeRelease(context, { name, user, timeoutMs: timeout }))
    })
}

function readRevision(text: string): number {
  const revision = Number(text)
  if (!Number.isInteger(revision) || revision < 1) throw new InvalidArgumentError('It must be a number from 1.')
  return revision
}
