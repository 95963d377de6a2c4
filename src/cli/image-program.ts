import { type Command, Option } from 'commander'
import { showImages } from './commands/images.ts'
import { changePolicy, type PolicyOptions } from './commands/policy.ts'
import type { Keys } from './fluxctl/menu.ts'
import { testPolicy } from './commands/policy-test.ts'
import { releaseImages } from './commands/release.ts'
import type { OutputFormat } from './context.ts'
import { listOption, outputOption, type Perform, readCount, timeoutOption, watchOption } from './options.ts'
import type { ListOptions } from './print/listing.ts'

type Common = {
  source?: string
  namespace?: string
  message?: string
  user?: string
  timeout: number
  output: OutputFormat
}

type Terminal = {
  /** Standard input to its end. */
  readInput: () => Promise<string>
  keys: () => Keys
}

/** The verbs about images, with the flags of fluxctl. */
export function addImageCommands(program: Command, perform: Perform, { readInput, keys }: Terminal): void {
  addImages(program, perform)
  addRelease(program, perform, keys)
  addPolicy(program, perform, readInput)
  addShort(program, perform, 'automate', 'let new images of a workload be committed by themselves')
  addShort(program, perform, 'deautomate', 'end that')
  addShort(program, perform, 'lock', 'let nobody release a workload; -m says why')
  addShort(program, perform, 'unlock', 'let a workload be released again')
}

function common(command: Command): Command {
  return command
    .option(
      '--source <name>',
      'name or namespace/name of the source; may be left out where one has all the workloads that are named',
    )
    .option('-n, --namespace <namespace>', 'of workloads that are given as kind/name')
    .addOption(timeoutOption('1m', 60_000))
}

function asked(command: Command): Command {
  return common(command)
    .addOption(outputOption())
    .option('-m, --message <text>', 'message of the commit')
    .option('--user <name>', 'who does it: `Name <mail>`; else the user of this machine')
}

type ImagesFlags = Omit<Common, 'output'> & ListOptions & { all: boolean; limit?: number }

function addImages(program: Command, perform: Perform): void {
  const images = program.command('images').description('which tags there are, and which rule took or refused each')
  common(images)
    .argument('[workload]', 'kind/name or namespace:kind/name; left out: all')
    .option('-a, --all', 'also the tags that are refused', false)
    .addOption(new Option('-l, --limit <number>', 'tags of each container; 0 for all').argParser(readCount))
    .addOption(listOption())
    .addOption(watchOption())
    .addHelpText('after', '\nExamples:\n  capstan images\n  capstan images demo:deployment/web --all')
    .action(async (workload: string | undefined, options: ImagesFlags, command: Command) => {
      const { source, namespace, all, output, watch, timeout, limit = all ? 0 : 10 } = options
      const choice = { source, namespace, workload, all, limit, output, watch, timeoutMs: timeout }
      await perform(command, (context) => showImages(context, choice))
    })
}

type ReleaseFlags = Common & {
  workload: string[]
  controller: string[]
  all: boolean
  updateImage?: string
  updateAllImages: boolean
  exclude: string[]
  force: boolean
  dryRun: boolean
  interactive: boolean
  watch: boolean
  verbose: number
}

function addRelease(program: Command, perform: Perform, keys: () => Keys): void {
  const release = program.command('release').description('put images into git, and from there onto the cluster')
  asked(release)
    .option('--workload <id>', 'a workload, several with commas or again', gather, [])
    .addOption(new Option('-c, --controller <id>', 'as --workload').argParser(gather).default([]).hideHelp())
    .option('--all', 'all workloads', false)
    .option('-i, --update-image <image>', 'this image, with its tag')
    .option('--update-all-images', 'of every container the newest that its policy lets through', false)
    .option('--exclude <id>', 'but not this workload', gather, [])
    .option('--dry-run', 'only say what would be done', false)
    .option('--interactive', 'choose from a menu what of it is done', false)
    .option('-w, --watch', 'then show the rollout until it is over, at most for --timeout', false)
    .option('-f, --force', 'also what is locked, where it is named, and what the tag filter refuses', false)
    .option('-v, --verbose', 'also what was skipped; -vv also what was ignored', (_, before: number) => before + 1, 0)
    .addHelpText(
      'after',
      '\nExamples:\n  capstan release --workload demo:deployment/web --update-image ghcr.io/me/web:1.4.2\n  capstan release --all --update-all-images --dry-run -v',
    )
    .action(async (options: ReleaseFlags, command: Command) => {
      const { workload, controller, updateImage, updateAllImages, verbose, timeout, ...rest } = options
      const { source, namespace, message, user } = rest
      const given = { ...rest, source, namespace, message, user, image: updateImage, allImages: updateAllImages }
      const workloads = [...workload, ...controller]
      await perform(command, (context) =>
        releaseImages(context, { ...given, workloads, verbosity: verbose, timeoutMs: timeout, keys }),
      )
    })
}

type PolicyFlags = Common &
  Partial<Pick<PolicyOptions, 'automate' | 'deautomate' | 'lock' | 'unlock' | 'tagAll'>> & {
    workload?: string
    controller?: string
    tag?: string[]
  }

function addPolicy(program: Command, perform: Perform, readInput: () => Promise<string>): void {
  const policy = withWorkload(asked(program.command('policy').description('change policies of a workload in git')))
    .option('--automate', 'commit new images by itself')
    .option('--deautomate', 'end that')
    .option('--lock', 'let nobody release it')
    .option('--unlock', 'let it be released again')
    .option(
      '--tag-all <filter>',
      'tag filter of every container: glob:…, semver:…, regexp:…, numeric:…, alphabetical:…',
    )
    .option('--tag <container=filter>', 'tag filter of one container; * takes it away', gatherWhole, [])
    .addHelpText(
      'after',
      "\nExamples:\n  capstan policy -w demo:deployment/web --tag 'app=semver:~1.4'\n  capstan policy test 'semver:~1.4' --image ghcr.io/me/web",
    )
  policy.action(async (options: PolicyFlags, command: Command) => {
    await perform(command, (context) => changePolicy(context, policyOptions(options)))
  })
  addPolicyTest(policy, perform, readInput)
}

function addShort(
  program: Command,
  perform: Perform,
  verb: 'automate' | 'deautomate' | 'lock' | 'unlock',
  description: string,
): void {
  withWorkload(asked(program.command(verb).description(description)))
    .addHelpText('after', `\nExamples:\n  capstan ${verb} --workload demo:deployment/web -m "why"`)
    .action(async (options: PolicyFlags, command: Command) => {
      await perform(command, (context) => changePolicy(context, policyOptions({ ...options, [verb]: true })))
    })
}

function withWorkload(command: Command): Command {
  return command
    .option('-w, --workload <id>', 'kind/name or namespace:kind/name')
    .addOption(new Option('-c, --controller <id>', 'as --workload').hideHelp())
}

function policyOptions(flags: PolicyFlags): PolicyOptions {
  const { source, namespace, message, user, timeout, output, tagAll, tag = [], workload, controller } = flags
  const { automate = false, deautomate = false, lock = false, unlock = false } = flags
  const id = workload ?? controller ?? ''
  const switches = { automate, deautomate, lock, unlock }
  return { ...switches, source, namespace, workload: id, tagAll, tags: tag, message, user, timeoutMs: timeout, output }
}

type TestFlags = Common & { image?: string; extract?: string; deny?: string; minAge?: string; current?: string }

function addPolicyTest(policy: Command, perform: Perform, readInput: () => Promise<string>): void {
  policy
    .command('test')
    .description('what a policy would choose, of the tags of an image or of those on standard input')
    .argument('<filter>', 'as in the annotation')
    .option('--image <image>', 'try the tags that its registry has')
    .option('--current <tag>', 'the tag that is there now')
    .option('--extract <expression>', 'the filter sees its first group')
    .option('--deny <globs>', 'tags that are never taken, with commas between')
    .option('--min-age <duration>', 'how old an image must be')
    .option('--source <name>', 'whose image pull secrets are used')
    .addOption(timeoutOption('1m', 60_000))
    .addOption(outputOption())
    .addHelpText(
      'after',
      "\nExamples:\n  capstan policy test 'semver:~1.4' --image ghcr.io/me/web\n  capstan policy test 'numeric:^main-([0-9]+)$' < tags.txt",
    )
    .action(async (filter: string, _options: TestFlags, command: Command) => {
      // options of the same name that `policy` itself has are read there
      const { image, current, extract, deny, minAge, source, timeout, output } = command.optsWithGlobals<TestFlags>()
      const given = {
        policy: filter,
        image,
        current,
        extract,
        deny,
        minAge,
        source,
        output,
        timeoutMs: timeout,
        readInput,
      }
      await perform(command, (context) => testPolicy(context, given))
    })
}

function gather(text: string, before: string[]): string[] {
  return [...before, ...text.split(',').filter(Boolean)]
}

function gatherWhole(text: string, before: string[]): string[] {
  return [...before, text]
}
