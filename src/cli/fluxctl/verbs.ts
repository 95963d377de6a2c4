import type { FlagSpec } from './flag.ts'

/** One verb of fluxctl as its help shows it (flux-v1 §24). */
export type VerbSpec = {
  name: string
  /** The line below `Usage:`, without `fluxctl` and `[flags]`. */
  use: string
  aliases?: readonly string[]
  short: string
  /** In place of the short text, where there is more to say. */
  long?: string
  /** With its indent. */
  example?: string
  flags: readonly FlagSpec[]
  /** Says itself how flags are given. */
  hasOwnUsage?: true
}

const header = 'Namespace in which fluxd is running, for creating a port forward to access the API.'

/** Flags of every verb. */
export const globalFlags: readonly FlagSpec[] = [
  {
    name: 'context',
    type: 'string',
    usage: 'The kubeconfig context to use, will use your current selected if not specified',
  },
  {
    name: 'k8s-fwd-labels',
    type: 'stringToString',
    default: 'app=flux',
    usage:
      'Labels used to select the fluxd pod a port forward should be created for. You can also set the environment variable FLUX_FORWARD_LABELS',
  },
  {
    name: 'k8s-fwd-ns',
    type: 'string',
    default: 'default',
    usage: `${header} No port forward will be created if a URL or token is given. You can also set the environment variable FLUX_FORWARD_NAMESPACE`,
  },
  {
    name: 'timeout',
    type: 'duration',
    default: '1m0s',
    usage: 'Global command timeout; you can also set the environment variable FLUX_TIMEOUT',
  },
  {
    name: 'token',
    short: 't',
    type: 'string',
    usage:
      'Weave Cloud authentication token; you can also set the environment variable WEAVE_CLOUD_TOKEN or FLUX_SERVICE_TOKEN',
  },
  {
    name: 'url',
    short: 'u',
    type: 'string',
    usage:
      'Base URL of the Flux API (defaults to "https://cloud.weave.works/api/flux" if a token is provided); you can also set the environment variable FLUX_URL',
  },
]

const verbose: FlagSpec = {
  name: 'verbose',
  short: 'v',
  type: 'count',
  usage: 'include skipped (and ignored, with -vv) workloads in output',
}
const cause: readonly FlagSpec[] = [
  { name: 'message', short: 'm', type: 'string', usage: 'attach a message to the update' },
  { name: 'user', type: 'string', usage: 'override the user reported as initiating the update' },
]
const noHeaders: FlagSpec = {
  name: 'no-headers',
  type: 'bool',
  usage: "Don't print headers (default print headers)",
}
const outputFormat: FlagSpec = {
  name: 'output-format',
  short: 'o',
  type: 'string',
  default: 'tab',
  usage: 'Output format (tab or json)',
}

function namespace(usage: string): FlagSpec {
  return { name: 'namespace', short: 'n', type: 'string', usage }
}

function workload(usage: string): FlagSpec {
  return { name: 'workload', short: 'w', type: 'string', usage }
}

/** The old spelling of `--workload`. */
function controller(type: 'string' | 'strings'): FlagSpec {
  const deprecated = 'changed to --workload, use that instead'
  return { name: 'controller', short: 'c', type, usage: '', deprecated }
}

function shorthand(name: string, short: string, usages: { space: string; workload: string }): VerbSpec {
  return {
    name,
    use: name,
    short,
    example: `  fluxctl ${name} --workload=default:deployment/helloworld`,
    flags: [verbose, ...cause, namespace(usages.space), workload(usages.workload), controller('string')],
  }
}

const release: VerbSpec = {
  name: 'release',
  use: 'release',
  short: 'Release a new version of a workload.',
  example: `  fluxctl release -n default --workload=deployment/foo --update-image=library/hello:v2
  fluxctl release --all --update-image=library/hello:v2
  fluxctl release --workload=default:deployment/foo --update-all-images`,
  flags: [
    verbose,
    ...cause,
    namespace('Workload namespace'),
    { name: 'workload', type: 'strings', usage: 'List of workloads to release <namespace>:<kind>/<name>' },
    { name: 'all', type: 'bool', usage: 'Release all workloads' },
    { name: 'update-image', short: 'i', type: 'string', usage: 'Update a specific image' },
    { name: 'update-all-images', type: 'bool', usage: 'Update all images to latest versions' },
    { name: 'exclude', type: 'strings', usage: 'List of workloads to exclude' },
    {
      name: 'dry-run',
      type: 'bool',
      usage: 'Do not release anything; just report back what would have been done',
    },
    { name: 'interactive', type: 'bool', usage: 'Select interactively which containers to update' },
    {
      name: 'force',
      short: 'f',
      type: 'bool',
      usage: 'Disregard locks and container image filters (has no effect when used with --all or --update-all-images)',
    },
    { name: 'watch', short: 'w', type: 'bool', usage: 'Watch rollout progress during release' },
    controller('strings'),
  ],
}

const policy: VerbSpec = {
  name: 'policy',
  use: 'policy',
  short: 'Manage policies for a workload.',
  long: `
Manage policies for a workload.

Tag filter patterns must be specified as 'container=pattern', such as 'foo=1.*'
where an asterisk means 'match anything'.
Surrounding these with single-quotes are recommended to avoid shell expansion.

If both --tag-all and --tag are specified, --tag-all will apply to all
containers which aren't explicitly named.`,
  example: `  fluxctl policy --workload=default:deployment/foo --automate
  fluxctl policy --workload=default:deployment/foo --lock
  fluxctl policy --workload=default:deployment/foo --tag='bar=1.*' --tag='baz=2.*'
  fluxctl policy --workload=default:deployment/foo --tag-all='master-*' --tag='bar=1.*'`,
  flags: [
    verbose,
    ...cause,
    namespace('Workload namespace'),
    workload('Workload to modify'),
    { name: 'tag-all', type: 'string', usage: 'Tag filter pattern to apply to all containers' },
    { name: 'tag', type: 'strings', usage: 'Tag filter container/pattern pairs' },
    { name: 'automate', type: 'bool', usage: 'Automate workload' },
    { name: 'deautomate', type: 'bool', usage: 'Deautomate workload' },
    { name: 'lock', type: 'bool', usage: 'Lock workload' },
    { name: 'unlock', type: 'bool', usage: 'Unlock workload' },
    controller('string'),
  ],
}

const gitPath = 'relative paths within the Git repo for Flux to locate Kubernetes manifests'
const install: VerbSpec = {
  name: 'install',
  use: 'install',
  short: 'Print and tweak Kubernetes manifests needed to install Flux in a Cluster',
  example: `# Install Flux and make it use Git repository git@github.com:<your username>/flux-get-started
fluxctl install --git-url 'git@github.com:<your username>/flux-get-started' --git-email=<your_git_email> | kubectl -f -`,
  flags: [
    {
      name: 'git-url',
      type: 'string',
      usage: 'URL of the Git repository to be used by Flux, e.g. git@github.com:<your username>/flux-get-started',
    },
    { name: 'git-branch', type: 'string', default: 'master', usage: 'Git branch to be used by Flux' },
    { name: 'git-paths', type: 'strings', usage: gitPath, deprecated: 'please use --git-path (no ending s) instead' },
    { name: 'git-path', type: 'strings', usage: gitPath },
    {
      name: 'git-label',
      type: 'string',
      default: 'flux',
      usage: "Git label to keep track of Flux's sync progress; overrides both --git-sync-tag and --git-notes-ref",
    },
    { name: 'git-user', type: 'string', default: 'Flux', usage: 'username to use as git committer' },
    { name: 'git-email', type: 'string', usage: 'email to use as git committer' },
    { name: 'git-readonly', type: 'bool', usage: 'tell flux it has readonly access to the repo' },
    { name: 'manifest-generation', type: 'bool', usage: 'whether to enable manifest generation' },
    { name: 'namespace', type: 'string', usage: 'cluster namespace where to install flux' },
    {
      name: 'registry-disable-scanning',
      type: 'bool',
      usage: 'do not scan container image registries to fill in the registry cache',
    },
    {
      name: 'output-dir',
      short: 'o',
      type: 'string',
      usage: 'a directory in which to write individual manifests, rather than printing to stdout',
    },
    {
      name: 'add-security-context',
      type: 'bool',
      default: 'true',
      usage: "Ensure security context information is added to the pod specs. Defaults to 'true'",
    },
  ],
}

const lists: readonly VerbSpec[] = [
  {
    name: 'list-images',
    use: 'list-images',
    short: 'Show deployed and available images.',
    example: '  fluxctl list-images --namespace default --workload=deployment/foo',
    flags: [
      namespace('Namespace'),
      workload('Show images for this workload'),
      { name: 'limit', short: 'l', type: 'int', default: '10', usage: 'Number of images to show (0 for all)' },
      noHeaders,
      outputFormat,
      controller('string'),
    ],
  },
  {
    name: 'list-workloads',
    use: 'list-workloads',
    aliases: ['list-controllers'],
    short: 'List workloads currently running in the cluster.',
    example: '  fluxctl list-workloads',
    flags: [
      namespace('Confine query to namespace'),
      { name: 'all-namespaces', short: 'a', type: 'bool', usage: 'Query across all namespaces' },
      { name: 'container', short: 'c', type: 'string', usage: 'Filter workloads by container name' },
      noHeaders,
      outputFormat,
    ],
  },
]

/** The verbs in the order in which fluxctl suggests them. */
export const verbs: readonly VerbSpec[] = [
  { name: 'version', use: 'version', short: 'Output the version of fluxctl', flags: [] },
  ...lists,
  release,
  shorthand('automate', 'Turn on automatic deployment for a workload.', {
    space: 'Workload namespace',
    workload: 'Workload to automate',
  }),
  shorthand('deautomate', 'Turn off automatic deployment for a workload.', {
    space: 'Workload namespace',
    workload: 'Workload to deautomate',
  }),
  shorthand('lock', 'Lock a workload, so it cannot be deployed.', {
    space: 'Controller namespace',
    workload: 'Workload to lock',
  }),
  shorthand('unlock', 'Unlock a workload, so it can be deployed.', {
    space: 'Controller namespace',
    workload: 'Controller to unlock',
  }),
  policy,
  {
    name: 'save',
    use: 'save --out config/',
    short: 'Save workload definitions to local files in cluster-native format',
    example: '  fluxctl save',
    flags: [
      {
        name: 'out',
        short: 'o',
        type: 'string',
        default: '-',
        usage:
          "Output path for exported config; the default. '-' indicates stdout; if a directory is given, each item will be saved in a file under the directory",
      },
    ],
  },
  {
    name: 'identity',
    use: 'identity',
    short: 'Display SSH public key',
    flags: [
      { name: 'regenerate', short: 'r', type: 'bool', usage: 'Generate a new identity' },
      { name: 'fingerprint', short: 'l', type: 'bool', usage: 'Show fingerprint of public key' },
      {
        name: 'visual',
        short: 'v',
        type: 'bool',
        usage: 'Show ASCII art representation with fingerprint (implies -l)',
      },
    ],
  },
  { name: 'sync', use: 'sync', short: 'Synchronize the cluster with the git repository, now', flags: [] },
  install,
  {
    name: 'completion',
    use: 'completion SHELL',
    hasOwnUsage: true,
    short: 'Output shell completion code for the specified shell (bash, zsh, or fish)',
    flags: [],
  },
  {
    name: 'help',
    use: 'help [command]',
    short: 'Help about any command',
    long: 'Help provides help for any command in the application.\nSimply type fluxctl help [path to command] for full details.',
    flags: [],
  },
]

/** What `fluxctl` alone prints first. */
export const about = `fluxctl helps you deploy your code.

Connecting:

  # To a fluxd running in namespace "default" in your current kubectl context
  fluxctl list-workloads

  # To a fluxd running in namespace "weave" in your current kubectl context
  fluxctl --k8s-fwd-ns=weave list-workloads

  # To a Weave Cloud instance, with your instance token in $TOKEN
  fluxctl --token $TOKEN list-workloads

Workflow:
  fluxctl list-workloads                                                   # Which workloads are running?
  fluxctl list-images --workload=default:deployment/foo                    # Which images are running/available?
  fluxctl release --workload=default:deployment/foo --update-image=bar:v2  # Release new version.`
