import { Argument, type Command, Option } from 'commander'
import type { JobChange, JobKindName } from '../api/client.ts'
import type { JobQuery } from '../api/contract/job.ts'
import { jobKindNames, jobStateNames } from '../api/contract/job-names.ts'
import { suggest } from '../lib/suggest.ts'
import { showLogs } from './commands/logs.ts'
import { openQueue } from './commands/queue-open.ts'
import { changeJobs, listJobs, showJob } from './commands/queue.ts'
import { changeQueues, showQueues } from './commands/queue-overview.ts'
import type { OutputFormat } from './context.ts'
import { WrongUsage } from './exit.ts'
import { listOption, outputOption, type Perform, readLimit, watchOption } from './options.ts'
import type { ListOptions } from './print/listing.ts'

/** `capstan queue …` and `capstan logs`. */
export function addQueueCommands(program: Command, perform: Perform): void {
  const queue = program
    .command('queue')
    .description('look into the queue and change what is in it; alone: how much there is of what')
    .addHelpText(
      'after',
      '\nExamples:\n  capstan queue --watch\n  capstan queue ls --state failed\n  capstan queue pause scan-image',
    )
  queue
    .command('overview', { isDefault: true })
    .description('how many jobs of each kind run, wait and failed, and how many are in line in each lane')
    .addOption(listOption())
    .addOption(watchOption())
    .addHelpText('after', '\nExamples:\n  capstan queue\n  capstan queue -o wide --watch')
    .allowExcessArguments()
    .action(async (options: ListOptions, command: Command) => {
      const [word] = command.args
      if (word !== undefined) throw unknownVerb(word, queue)
      await perform(command, (context) => showQueues(context, options))
    })
  addLooks(queue, perform)
  addOpen(queue, perform)
  addJobChanges(queue, perform)
  addQueueChanges(queue, perform)
  program
    .command('logs')
    .description('what was written while a job ran; exit 1 when it failed while it was followed')
    .argument('<job>', 'as capstan queue ls names it')
    .option('-f, --follow', 'go on until the job has ended', false)
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  capstan logs sync-source.abc123\n  capstan logs sync-source.abc123 --follow')
    .action(async (id: string, options: { follow: boolean; output: OutputFormat }, command: Command) => {
      await perform(command, (context) => showLogs(context, { ...options, id }))
    })
}

/** What commander says itself of a command without a default. */
function unknownVerb(word: string, { commands }: Command): WrongUsage {
  const near = suggest(
    word,
    commands.map((command) => command.name()),
  )
  return new WrongUsage(`unknown command '${word}'${near ? ` (Did you mean ${near}?)` : ''}`)
}

function addLooks(queue: Command, perform: Perform): void {
  queue
    .command('ls')
    .description('what runs, what comes next, what ended; wide: tries, next try, how long, by which process')
    .addOption(new Option('--kind <kind...>', 'only these kinds of jobs').choices(jobKindNames))
    .addOption(new Option('--state <state...>', 'only jobs in these states').choices(jobStateNames))
    .addOption(new Option('--limit <number>', 'at most so many').default(50).argParser(readLimit))
    .addOption(listOption())
    .addOption(watchOption())
    .addHelpText('after', '\nExamples:\n  capstan queue ls\n  capstan queue ls --state failed --kind sync-source')
    .action(async ({ output, watch, ...query }: JobQuery & ListOptions, command: Command) => {
      await perform(command, (context) => listJobs(context, { query, output, watch }))
    })
  queue
    .command('show')
    .description('everything about one job')
    .argument('<job>')
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  capstan queue show sync-source.abc123')
    .action(async (id: string, { output }: { output: OutputFormat }, command: Command) => {
      await perform(command, (context) => showJob(context, { id, output }))
    })
}

function addOpen(queue: Command, perform: Perform): void {
  queue
    .command('open')
    .description(
      'the page and the queue board in a browser: a link that works once and lets it look for twelve hours; a port that is forwarded for it stays open until Ctrl-C',
    )
    .option('--print', 'only print the link', false)
    .addHelpText(
      'after',
      '\nExamples:\n  capstan queue open\n  capstan queue open --print\n  capstan queue open --context prod',
    )
    .action(async ({ print }: { print: boolean }, command: Command) => {
      await perform(command, (context) => openQueue(context, { print }))
    })
}

function addJobChanges(queue: Command, perform: Perform): void {
  const changes: Record<JobChange, string> = {
    retry: 'run jobs next that wait or wait to be tried again; ask for ended ones again',
    cancel: 'remove jobs that wait, stop jobs that run, and the helm that they run',
    promote: 'run jobs next that wait or are delayed',
  }
  for (const [change, description] of Object.entries(changes) as [JobChange, string][]) {
    queue
      .command(change)
      .description(description)
      .argument('<job...>')
      .addHelpText('after', `\nExamples:\n  capstan queue ${change} sync-release.abc123`)
      .action(async (ids: string[], _options: unknown, command: Command) => {
        await perform(command, (context) => changeJobs(context, { ids, change }))
      })
  }
}

function addQueueChanges(queue: Command, perform: Perform): void {
  const changes = {
    pause: 'let no process take jobs of these kinds; what runs goes on',
    resume: 'let jobs of these kinds be taken again',
  } as const
  for (const change of ['pause', 'resume'] as const) {
    queue
      .command(change)
      .description(changes[change])
      .addArgument(new Argument('<kind...>', 'kinds of jobs').choices(jobKindNames))
      .addHelpText('after', `\nExamples:\n  capstan queue ${change} scan-image update-images`)
      .action(async (given: JobKindName[], _options: unknown, command: Command) => {
        await perform(command, (context) => changeQueues(context, { kinds: given, change }))
      })
  }
}
