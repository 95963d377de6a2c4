/**
 * The closed list of reasons why something stands still. The same word stands in the condition, the event, the log,
 * the CLI and the API. `meaning` and `unblock` are shown to people and make the troubleshooting page.
 */
export const reasons = {
  GitUnreachable: ['The git server does not answer.', 'Check the URL and the network; tried again with back-off.'],
  GitAuthFailed: [
    'The git server refused the credentials or its host key is unknown.',
    'Check the key, token and known_hosts.',
  ],
  GitRefNotFound: [
    'The branch, tag or commit does not exist in the repository.',
    'Check --git-branch or chart.ref, or push it.',
  ],
  PathNotFound: [
    'A path to sync does not exist at this revision.',
    'Check --git-path or restore the folder. Nothing is deleted meanwhile.',
  ],
  InvalidYAML: [
    'A file is not valid YAML or not a Kubernetes object.',
    'Mend the file at the line given; the rest is applied.',
  ],
  InvalidSource: [
    'A field of the Source object cannot be used; nothing of it is fetched, applied or deleted meanwhile.',
    'Mend the field that the message names.',
  ],
  NotFollowed: [
    'A plan of a revision that the source does not follow takes rights that whoever asked does not have.',
    'Ask for the rights that the message names, let somebody plan it who has them, or merge it.',
  ],
  InvalidUpload: [
    'The folder that was sent for a plan cannot be compared.',
    'Send the checkout itself, without links, or push it and plan its commit.',
  ],
  DuplicateObject: ['The same object is defined twice; neither is applied.', 'Remove one of the two definitions.'],
  UnknownKind: [
    'The cluster does not know this kind.',
    'Install its definition (CRD); applied by itself once it is there.',
  ],
  NamespaceNotAllowed: ['The object is outside the allowed namespaces.', 'Allow its namespace, or remove it from git.'],
  KindExcluded: [
    'Objects of this kind are left alone, as the settings say.',
    'Take the kind out of --k8s-unsafe-exclude-resource or spec.excludeResources, or the object out of git.',
  ],
  SourceTooLarge: [
    'The files or objects of the source are more than what is read. Nothing is applied or deleted meanwhile.',
    'Name fewer paths, exclude files, or raise --max-source-size or --max-source-objects.',
  ],
  AncestorInSource: [
    'The repository runs fluxd or the Helm Operator, whose work Capstan does now; the object is left as it is.',
    'Take it out of git, or annotate it with capstan.dev/ancestor: allow where it is meant.',
  ],
  OlderDefinition: [
    'The repository has an older definition of HelmReleases than the one that Capstan keeps up to date; it is left out.',
    'Put the one of this Capstan there (crds/helmrelease.yaml of its chart), or run it with --install-crds=false.',
  ],
  ApplyRefused: ['The API server refused the object.', 'Mend the object as the message says.'],
  QuotaExceeded: [
    'A quota of the namespace leaves no room for it.',
    'Raise the quota, or make room; tried again by itself.',
  ],
  AdmissionDenied: [
    'An admission webhook or policy of the cluster refused it.',
    'Mend the object as the message says, or change the rule of the cluster.',
  ],
  FieldConflict: [
    'Another manager keeps changing a field that is set in git.',
    'Remove the field from git or stop the other manager.',
  ],
  SyncTimeout: [
    'Loading the source took longer than it may.',
    'Make its generators faster, or give it more time with --sync-timeout or spec.timeout.',
  ],
  Drifted: [
    'Fields in the cluster are not what git says, and are only reported.',
    'Put them back, change git, or let drift be corrected.',
  ],
  DriftFight: [
    'Somebody changes a field again and again that git sets.',
    'Stop the manager that is named, or take the field out of git or add an ignore rule for it.',
  ],
  ImagePullFailed: [
    'A node cannot pull the image.',
    'Push the image or name one that is there, or give its pods a pull secret that the registry takes.',
  ],
  NotHealthy: ['Objects that were applied did not become healthy in time.', 'See the objects named in the message.'],
  DependencyCycle: [
    'Sources or releases depend on each other in a circle.',
    'Remove one of the dependencies named in the message.',
  ],
  ImmutableField: [
    'A field that cannot be changed was changed.',
    'Undo the change, delete the object by hand, or annotate it in git with capstan.dev/recreate: allowed.',
  ],
  MassDeletion: [
    'Too many objects would be deleted at once.',
    'Approve the deletion if it is meant, or restore the files.',
  ],
  ChartNotFound: ['The chart or its version does not exist at its source.', 'Check spec.chart.'],
  ChartAuthFailed: [
    'The source of the chart refused the credentials.',
    'Check the credentials of the chart repository.',
  ],
  RenderLimitExceeded: [
    'helm wanted more memory, processor time or output than one chart may have, and was ended.',
    'Make the chart or its values smaller, split it, or raise the memory limit of Capstan. Everything else goes on.',
  ],
  RenderFailed: ['helm could not render the chart.', 'Mend the chart or the values as the message says.'],
  InvalidValues: [
    'The values are not a map, or a values source is missing or unreadable.',
    'Mend spec.values or spec.valuesFrom.',
  ],
  HelmMissing: [
    'The helm binary is not there, or is neither helm 3 nor 4.',
    'Install helm 3 or 4, or give its path with --helm-binary.',
  ],
  HookFailed: [
    'A hook of the chart failed or did not end in time.',
    'See the job or pod of the hook that the message names, and mend it; tried again with back-off.',
  ],
  HelmFailed: ['helm reported a failure.', 'Read the message; tried again with back-off.'],
  DependencyNotReady: ['It waits for something else to be ready.', 'See the dependency named in the message.'],
  Suspended: ['Somebody suspended it.', 'Resume it.'],
  Cancelled: ['Somebody cancelled its job before it began.', 'Ask for it again if it is still wanted.'],
  Locked: ['Somebody locked it.', 'Unlock it.'],
  RateLimited: ['The other side asks us to slow down.', 'Tried again at the time it gave.'],
  RegistryAuthFailed: ['The image registry refused the credentials.', 'Check the image pull secret.'],
  RegistryUnreachable: ['The image registry does not answer.', 'Check the network; tried again with back-off.'],
  RedisUnavailable: [
    'Redis does not answer; nothing changes in the cluster meanwhile.',
    'Start Redis; work goes on by itself.',
  ],
  ClusterUnavailable: ['The Kubernetes API server does not answer.', 'Check the API server; work goes on by itself.'],
  Forbidden: [
    'The API server denies us the right to do this.',
    'Give the service account the right named in the message.',
  ],
  NoServiceAccount: [
    'The HelmRelease names no service account, and with --tenants nothing is done with the rights of Capstan itself.',
    'Name one in spec.serviceAccountName, or give --default-service-account.',
  ],
  OtherWriter: ['Another process writes to the same object or branch.', 'Stop the other writer.'],
  ReleaseNotFound: ['There is no such HelmRelease.', 'See `capstan status` for those that there are.'],
  NoRevision: ['helm has no such revision of the release.', 'See `capstan helm history` for those that there are.'],
  RolledBack: [
    'Somebody rolled the release back; it stays so until chart or values change.',
    'Change the chart or the values, or take the annotation capstan.dev/rollback off the HelmRelease.',
  ],
  AdoptionHold: [
    'A release that we did not begin is failed or pending.',
    'Change its inputs, mend the release by hand, or annotate its HelmRelease as the message says (--adopt-failed=upgrade for all).',
  ],
  UpgradeLoop: [
    'A release was upgraded again and again although nothing that was asked for had changed.',
    'Stop whoever changes the release, then ask for a sync or change its HelmRelease; --release-upgrade-limit sets how often.',
  ],
  HelmV2Release: ['The release asks for helm 2, which is not supported.', 'Migrate it to helm 3.'],
  FenceLost: ['This process lost its Lease and must not write.', 'Another process takes over by itself.'],
  Unconfigured: ['No git repository is configured.', 'Give --git-url.'],
  NotReady: ['Not all of it has been applied yet.', 'Wait, or see what failed.'],
  DeleteHeld: [
    'Objects of this kind are deleted only where an annotation says so.',
    'Delete by hand, or annotate capstan.dev/prune: allow.',
  ],
  TagNotFound: ['The registry has no such tag of the image.', 'Push it, or name a tag that is there.'],
  TagRefused: [
    'The tag filter of the workload takes another tag.',
    'Change its tag filter, or push a tag that it takes.',
  ],
  NotAutomated: [
    'The workload is not automated: its image changes only where people change it.',
    'Release the image with capstan release, or let it be taken by itself with capstan automate.',
  ],
  NoTag: ['No tag of the image matches its policy.', 'Check the policy or push a matching tag.'],
  WouldDowngrade: [
    'The tag in git comes before everything that the registry has for its policy.',
    'Push a newer tag, or change the tag filter to one that the current tag does not match.',
  ],
  InvalidPolicy: ['The tag filter of a container cannot be read.', 'Mend the annotation as the message says.'],
  NotEditable: [
    'The new tag cannot be written into the manifest.',
    'Change the manifest as the message says, or edit it by hand.',
  ],
  GitPushRefused: [
    'The git server refused the push.',
    'Give the credentials the right to push to this branch, or lift its protection.',
  ],
  SignatureInvalid: [
    'A commit or the sync tag carries no valid signature of a known key; nothing behind it is applied.',
    'Sign it with a key that is imported, or import its key with --git-gpg-key-import.',
  ],
  SigningFailed: [
    'A commit or tag of ours could not be signed.',
    'Import the secret key named by --git-signing-key; it must have no passphrase and must not have expired.',
  ],
  GitConflict: ['The push was refused because the branch moved.', 'Fetched and tried again by itself.'],
  GeneratorFailed: [
    'A generator of .flux.yaml, or the decryption before it, failed; what it makes is left as it is.',
    'Mend the command as the message says; the rest is applied, nothing is deleted meanwhile.',
  ],
  KustomizeFailed: [
    'A kustomization could not be built.',
    'Mend it as the message says; the rest is applied, nothing is deleted meanwhile.',
  ],
  RemoteBase: [
    'A kustomization names something outside the repository.',
    'Copy it into the repository, or allow it with --kustomize-remote-bases.',
  ],
  DecryptFailed: [
    'An encrypted file could not be decrypted; its objects are neither applied nor deleted.',
    'Give Capstan the key, or encrypt the file again, as the message says.',
  ],
  ReadOnly: [
    'This Capstan only looks and plans: it was started with --read-only.',
    'See capstan plan; start it without --read-only to have it applied.',
  ],
  SinkUnreachable: [
    'A sink of events does not answer; what it has not got waits for it.',
    'Check its URL and the network; tried again with back-off.',
  ],
  SinkRefused: [
    'A sink of events does not take what is sent.',
    'Check its token, secret and URL, then `capstan sink test`.',
  ],
  MemoryShort: [
    "Capstan's container has next to no memory left, so nothing is begun.",
    'Raise its memory limit (resources), or spread the work over more workers; begun as soon as there is room.',
  ],
  DiskFull: [
    'There is no room left on the disk of Capstan.',
    'Make room in --cache-dir, or give its volume more; tried again with back-off.',
  ],
  InternalError: ['A bug in Capstan.', 'Please report it with the log of the job.'],
} as const satisfies Record<string, readonly [meaning: string, unblock: string]>

export type Reason = keyof typeof reasons
