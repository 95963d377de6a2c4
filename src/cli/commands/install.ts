import { Command, CommanderError } from 'commander'
import { exitCodes } from '../exit.ts'
import type { Output } from '../print/style.ts'
import { ownSummaries } from '../own-commands.ts'
import type { OwnCommand } from '../program.ts'

/** What the manifests are made of; `valuesFiles` are paths, `values` are JSON texts by path, and go before them. */
export type InstallRequest = {
  namespace: string
  valuesFiles: readonly string[]
  values: Readonly<Record<string, string>>
  /** `key=value` as helm's --set, before everything else. */
  set: readonly string[]
  helmBinary: string
}

/** Renders the chart that we ship; throws a sentence for people. */
export type RenderChart = (request: InstallRequest) => Promise<string>

type Options = {
  namespace: string
  gitUrl?: string
  gitBranch?: string
  gitPath: string[]
  gitReadonly?: true
  prune?: true
  values: string[]
  set: string[]
  secrets: boolean
  helmBinary: string
}

const help = `
Examples:
  capstan install --git-url https://github.com/you/cluster.git --git-branch main | kubectl apply --server-side -f -
  capstan install --values capstan.yaml --no-secrets > capstan/install.yaml     what may be committed

The Secrets hold a token and a password that are made up each time: apply them once, and --no-secrets from then on.
All values: charts/capstan/README.md. With helm at hand, helm install does the same and keeps track of it.`

/** `capstan install`: writes the manifests that install us, for those who do not use helm for that. It speaks to no cluster. */
export function createInstallCommand(parts: { render: RenderChart; out: Output; err: Output }): OwnCommand {
  return {
    name: 'install',
    summary: ownSummaries.install,
    async run(argv) {
      const command = commandFor(parts)
      try {
        command.parse([...argv], { from: 'user' })
      } catch (error) {
        if (!(error instanceof CommanderError)) throw error
        return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
      }
      const options = command.opts<Options>()
      parts.out.write(manifestsOf(await parts.render(requestOf(options)), options))
      return exitCodes.done
    },
  }
}

/** The namespace, then what was rendered; without `secrets` no Secret. */
export function manifestsOf(rendered: string, { namespace, secrets }: Pick<Options, 'namespace' | 'secrets'>): string {
  const objects = rendered.split(/^---$/m).filter((text) => /^kind: /m.test(text))
  const kept = secrets ? objects : objects.filter((text) => !/^kind: Secret$/m.test(text))
  const first = `\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${namespace}\n`
  return `---${[first, ...kept].join('---')}`
}

function commandFor({ out, err }: { out: Output; err: Output }): Command {
  const collect = (one: string, all: string[]) => [...all, one]
  return new Command('capstan install')
    .description('Write the manifests that install Capstan: what the chart makes of these values.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
    .showHelpAfterError('(see --help)')
    .option('-n, --namespace <name>', 'namespace of Capstan; made with the rest', 'capstan-system')
    .option('--git-url <url>', 'repository to keep applied')
    .option('--git-branch <branch>', 'branch to follow')
    .option('--git-path <path>', 'folder or file in it; may be given again', collect, [])
    .option('--git-readonly', 'never push')
    .option('--prune', 'delete objects that left the repository')
    .option('-f, --values <file>', 'values of the chart; may be given again', collect, [])
    .option('--set <key=value>', 'one value of the chart, before all others; may be given again', collect, [])
    .option('--no-secrets', 'leave Secrets out')
    .option('--helm-binary <helm>', 'helm 3: a name on PATH or a path', 'helm')
    .allowExcessArguments(false)
    .addHelpText('after', help)
}

function requestOf(options: Options): InstallRequest {
  const { namespace, values: valuesFiles, set, helmBinary } = options
  const given: Record<string, unknown> = {
    'git.url': options.gitUrl,
    'git.branch': options.gitBranch,
    'git.path': options.gitPath.length > 0 ? options.gitPath : undefined,
    'git.readonly': options.gitReadonly,
    'syncGarbageCollection.enabled': options.prune,
  }
  const values = Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => (value === undefined ? [] : [[key, JSON.stringify(value)]])),
  )
  return { namespace, valuesFiles, values, set, helmBinary }
}
