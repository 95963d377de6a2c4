import { type Reason, reasons } from './reason.ts'

/** Where people meet a reason; each stands in one group. */
export const groups: Record<string, readonly Reason[]> = {
  Git: [
    'Unconfigured',
    'GitUnreachable',
    'GitAuthFailed',
    'GitRefNotFound',
    'PathNotFound',
    'SignatureInvalid',
    'SigningFailed',
    'GitPushRefused',
    'GitConflict',
  ],
  'Reading the repository': [
    'InvalidYAML',
    'InvalidSource',
    'InvalidUpload',
    'NotFollowed',
    'DuplicateObject',
    'SourceTooLarge',
    'SyncTimeout',
    'GeneratorFailed',
    'KustomizeFailed',
    'RemoteBase',
    'DecryptFailed',
  ],
  'Applying and deleting': [
    'UnknownKind',
    'NamespaceNotAllowed',
    'KindExcluded',
    'AncestorInSource',
    'OlderDefinition',
    'ApplyRefused',
    'QuotaExceeded',
    'AdmissionDenied',
    'Forbidden',
    'FieldConflict',
    'ImmutableField',
    'Drifted',
    'DriftFight',
    'MassDeletion',
    'DeleteHeld',
    'ImagePullFailed',
    'NotHealthy',
    'NotReady',
    'ReadOnly',
  ],
  'Waiting for people or others': [
    'Suspended',
    'Locked',
    'Cancelled',
    'DependencyNotReady',
    'DependencyCycle',
    'OtherWriter',
  ],
  Releases: [
    'ChartNotFound',
    'ChartAuthFailed',
    'RenderFailed',
    'RenderLimitExceeded',
    'InvalidValues',
    'HelmMissing',
    'HelmFailed',
    'HookFailed',
    'HelmV2Release',
    'NoServiceAccount',
    'AdoptionHold',
    'UpgradeLoop',
    'RolledBack',
    'ReleaseNotFound',
    'NoRevision',
  ],
  Images: [
    'RegistryUnreachable',
    'RegistryAuthFailed',
    'RateLimited',
    'TagNotFound',
    'TagRefused',
    'NotAutomated',
    'NoTag',
    'WouldDowngrade',
    'InvalidPolicy',
    'NotEditable',
  ],
  'Telling people': ['SinkUnreachable', 'SinkRefused'],
  'Capstan itself': ['RedisUnavailable', 'ClusterUnavailable', 'FenceLost', 'MemoryShort', 'DiskFull', 'InternalError'],
}

const introduction = `# Troubleshooting, by reason word

<!-- Made from src/domain/status/ by its tests; \`npm run test:unit -- -u src/domain/status\` writes it again. -->

Whatever stands still has one first cause, and that has one word. The same word stands in the condition (\`kubectl get sources\`,
\`kubectl get hr\`), in the event, in the log, in \`capstan status\` and in the API. Behind it is a message that names the file and line, or
the object. What waits is tried again by itself, unless the last column says that somebody has to do something.

\`\`\`sh
capstan status                 # all sources and releases, with the first cause of each that stands still
capstan explain deployment/web # the way of one thing, step by step, and what stops it first
capstan queue ls               # the jobs: what runs, what waits, what is tried again and when
capstan plan                   # what a sync would do now
\`\`\`
`

/** docs/troubleshooting.md, whole. */
export function troubleshootingDocument(): string {
  const sections = Object.entries(groups).map(([heading, words]) =>
    [
      `## ${heading}`,
      '',
      '| reason | what it means | what to do |',
      '| --- | --- | --- |',
      ...words.map(rowOf),
      '',
    ].join('\n'),
  )
  return [introduction, ...sections].join('\n')
}

function rowOf(reason: Reason): string {
  const [meaning, unblock] = reasons[reason]
  return `| \`${reason}\` | ${meaning} | ${unblock} |`
}
