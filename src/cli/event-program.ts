import { type Command, Option } from 'commander'
import type { EventFilter } from '../api/contract/event.ts'
import { eventTypeNames, severityNames } from '../api/contract/event-names.ts'
import { showDeployments } from './commands/history.ts'
import { exportEvents } from './commands/export-events.ts'
import { showEvents } from './commands/events.ts'
import type { ListFormat } from './context.ts'
import type { ListOptions } from './print/listing.ts'
import {
  durationOption,
  listOption,
  type Perform,
  readLimit,
  timeoutOption,
  userOption,
  watchOption,
} from './options.ts'
import { listSinks, replaySink, testSink } from './commands/sinks.ts'

type Severity = (typeof severityNames)[number]

/** `capstan events`, `capstan history` and `capstan sink …`. */
export function addEventCommands(program: Command, perform: Perform): void {
  type Options = {
    follow: boolean
    export: boolean
    watch: boolean
    source?: string[]
    namespace?: string[]
    type?: NonNullable<EventFilter['type']>
    severity?: Severity
    since?: number
    limit: number
    output: ListFormat
  }
  program
    .command('events')
    .description('what happened: syncs, releases, commits, failures, and what people asked for; the newest last')
    .option('-f, --follow', 'go on with what happens from now on, until Ctrl-C', false)
    .addOption(
      new Option('--export', 'all that is kept, oldest first, one JSON text a line')
        .default(false)
        .conflicts(['follow', 'limit', 'output']),
    )
    .option('--source <name...>', 'only about these sources or HelmReleases: name or namespace/name')
    .option('-n, --namespace <namespace...>', 'only about what is in these namespaces')
    .addOption(new Option('--type <type...>', 'only these types').choices(eventTypeNames))
    .addOption(new Option('--severity <level>', 'this and more urgent ones').choices(severityNames))
    .addOption(durationOption('--since <duration>', 'not older than this, as 2h'))
    .addOption(new Option('--limit <number>', 'at most so many of the past').default(50).argParser(readLimit))
    .addOption(listOption())
    .addOption(watchOption())
    .addHelpText(
      'after',
      '\nExamples:\n  capstan events --severity warning --since 24h\n  capstan events --follow --source podinfo -o json\n  capstan events --export > events.jsonl',
    )
    .action(async (options: Options, command: Command) => {
      const { source, namespace, type, severity, since, watch, export: isExport, ...rest } = options
      const filter = {
        ...(source ? { source } : {}),
        ...(namespace ? { namespace } : {}),
        ...(type ? { type } : {}),
        ...(severity ? { severity } : {}),
      }
      await perform(command, (context) =>
        isExport
          ? exportEvents(context, { filter, sinceMs: since })
          : showEvents(context, { ...rest, follow: rest.follow || watch, filter, sinceMs: since }),
      )
    })
  program
    .command('history')
    .description('who or what deployed what, and how it ended; newest first')
    .argument('[what]', 'name or namespace/name of a source or HelmRelease, or namespace:kind/name of a workload')
    .addOption(new Option('--limit <number>', 'at most so many').default(20).argParser(readLimit))
    .addOption(listOption())
    .addOption(watchOption())
    .addHelpText(
      'after',
      '\nExamples:\n  capstan history\n  capstan history demo:deployment/web\n  capstan history podinfo',
    )
    .action(async (about: string | undefined, options: ListOptions & { limit: number }, command: Command) => {
      await perform(command, (context) => showDeployments(context, { ...options, about }))
    })
  addSinks(program, perform)
}

function addSinks(program: Command, perform: Perform): void {
  type Options = { user?: string; timeout: number }
  const sink = program
    .command('sink')
    .description('where events are sent: look, try, send again')
    .addHelpText('after', '\nExamples:\n  capstan sink ls\n  capstan sink test team')
  sink
    .command('ls')
    .description('the sinks, and whether they take what is sent; exit 1 when one does not')
    .addOption(listOption())
    .addOption(watchOption())
    .addHelpText('after', '\nExamples:\n  capstan sink ls\n  capstan sink ls --watch')
    .action(async (options: ListOptions, command: Command) => {
      await perform(command, (context) => listSinks(context, options))
    })
  sink
    .command('test')
    .description('send a test to a sink, and say whether it was taken')
    .argument('<name>')
    .addOption(userOption())
    .addOption(timeoutOption('1m', 60_000))
    .addHelpText('after', '\nExamples:\n  capstan sink test team')
    .action(async (name: string, { user, timeout }: Options, command: Command) => {
      await perform(command, (context) => testSink(context, { name, user, timeoutMs: timeout }))
    })
  sink
    .command('replay')
    .description('send a sink again what happened')
    .argument('<name>')
    .addOption(durationOption('--since <duration>', 'as long ago as this, as 2h').makeOptionMandatory())
    .addOption(userOption())
    .addOption(timeoutOption('5m', 300_000))
    .addHelpText('after', '\nExamples:\n  capstan sink replay team --since 24h')
    .action(async (name: string, { user, timeout, since }: Options & { since: number }, command: Command) => {
      await perform(command, (context) => replaySink(context, { name, user, timeoutMs: timeout, sinceMs: since }))
    })
}
