import { type Command, Option } from 'commander'
import { listImages, type ListImagesOptions } from './commands/list-images.ts'
import { runVerb } from './commands/run-verb.ts'
import { save, type Yaml } from './fluxctl/save.ts'
import { listWorkloads, type WorkloadsOptions } from './commands/list-workloads.ts'
import type { ListFormat } from './context.ts'
import { listOption, type Perform, readCount, timeoutOption, watchOption } from './options.ts'

/** fluxctl's verbs that list, with its flags and tables. Without `-n` they are about all namespaces. */
export function addWorkloadCommands(program: Command, perform: Perform, loadYaml: () => Promise<Yaml>): void {
  type Both = { allNamespaces?: boolean; output: ListFormat | 'tab' }
  const add = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option('-n, --namespace <namespace>', 'only of this one; else all')
      .addOption(new Option('-a, --all-namespaces', 'as without -n').hideHelp())
      .option('--no-headers', 'leave out the first line')
      // fluxctl's word for a table
      .addOption(listOption('tab'))
      .addOption(watchOption())
  add('list-workloads', 'what runs, from which images, and its policies, in the table of fluxctl')
    .aliases(['workloads', 'list-controllers'])
    .option('-c, --container <name>', 'only workloads with a container of this name')
    .addHelpText('after', '\nExamples:\n  capstan list-workloads -n demo\n  capstan workloads -o wide --watch')
    .action(async (options: Omit<WorkloadsOptions, 'output'> & Both, command: Command) => {
      const { namespace, allNamespaces, container, output, ...rest } = options
      const space = allNamespaces ? undefined : namespace
      await perform(command, (context) =>
        listWorkloads(context, { ...rest, output: plain(output), namespace: space, container }),
      )
    })
  add('list-images', 'what runs and which tags there are, in the table of fluxctl')
    .addOption(new Option('-l, --limit <number>', 'tags of each container; 0 for all').default(10).argParser(readCount))
    .option('-w, --workload <id>', 'only of this one: kind/name or namespace:kind/name')
    .addOption(new Option('-c, --controller <id>', 'as --workload').hideHelp())
    .addHelpText(
      'after',
      '\nExamples:\n  capstan list-images -n demo\n  capstan list-images -w demo:deployment/web -l 0',
    )
    .action(async (options: Omit<ListImagesOptions, 'output'> & Both & { controller?: string }, command: Command) => {
      const { namespace, allNamespaces, workload, controller, output, ...rest } = options
      const choice = { namespace: allNamespaces ? undefined : namespace, workload: workload ?? controller }
      await perform(command, (context) => listImages(context, { ...rest, output: plain(output), ...choice }))
    })
  program
    .command('save')
    .description('the manifests of what runs, as files for a repository')
    .option('-o, --out <folder>', 'write each into a file in this folder; - for standard output', '-')
    .addOption(timeoutOption('1m', 60_000))
    .addHelpText('after', '\nExamples:\n  capstan save > all.yaml\n  capstan save --out deploy')
    .action(async ({ out, timeout }: { out: string; timeout: number }, command: Command) => {
      await perform(command, (context) => runVerb(context, save(loadYaml), { flags: { out }, timeoutMs: timeout }))
    })
}

function plain(output: ListFormat | 'tab'): ListFormat {
  return output === 'tab' ? 'table' : output
}
