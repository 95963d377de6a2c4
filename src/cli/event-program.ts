import { type Command, Option } from 'commander'
import type { EventFilter } from '../api/contract/event.ts'
import { showDeployments } from './commands/history.ts'
import { showEvents } from './commands/events.ts'
import type { OutputFormat } from './context.ts'
import { durationOption, outputOption, type Perform, readLimit } from './options.ts'

const severities = ['info', 'warning', 'error'] as const
type Severity = (typeof severities)[number]

/** `capstan events` and `capstan history`. */
export function addEventCommands(program: Command, perform: Perform): void {
  type Options = {
    follow: boolean
    source?: string[]
    namespace?: string[]
    type?: NonNullable<EventFilter['type']>
    severity?: Severity
    since?: number
    limit: number
    output: OutputFormat
  }
  program
    .command('events')
    .description('what happened: syncs, releases, commits, failures, and what people asked for; the newest last')
    .option('-f, --follow', 'go on with what happens from now on', false)
    .option('--source <name...>', 'only about these sources or HelmReleases: name or namespace/name')
    .option('-n, --namespace <namespace...>', 'only about what is in these namespaces')
    .option('--type <type...>', 'only these types, as sync, helm_release or error')
    .addOption(new Option('--severity <level>', 'this and more urgent ones').choices(severities))
    .addOption(durationOption('--since <duration>', 'not older than this, as 2h'))
    .addOption(new Option('--limit <number>', 'at most so many of the past').default(50).argParser(readLimit))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  capstan events --severity warning --since 24h\n  capstan events --follow --source podinfo -o json',
    )
    .action(async (options: Options, command: Command) => {
      const { source, namespace, type, severity, since, ...rest } = options
      const filter = {
        ...(source ? { source } : {}),
        ...(namespace ? { namespace } : {}),
        ...(type ? { type } : {}),
        ...(severity ? { severity } : {}),
      }
      await perform(command, (context) => showEvents(context, { ...rest, filter, sinceMs: since }))
    })
  program
    .command('history')
    .description('who or what deployed what, and how it ended; newest first')
    .argument('[what]', 'name or namespace/name of a source or HelmRelease, or namespace:kind/name of a workload')
    .addOption(new Option('--limit <number>', 'at most so many').default(20).argParser(readLimit))
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  capstan history\n  capstan history demo:deployment/podinfo\n  capstan history podinfo',
    )
    .action(async (about: string | undefined, options: { limit: number; output: OutputFormat }, command: Command) => {
      await perform(command, (context) => showDeployments(context, { ...options, about }))
    })
}
