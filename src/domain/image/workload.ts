import {
  automatedPolicy,
  hasPolicy,
  ignorePolicy,
  imagePolicyAnnotations,
  lockedPolicy,
  type Policies,
  readPolicies,
  tagPolicyPrefix,
} from '../manifest/annotations.ts'
import { idOf, type KubeObject, type ObjectRef, refOf } from '../manifest/object.ts'
import type { Container } from './container.ts'
import { locateImages, pullSecretsOf, serviceAccountOf } from './locate.ts'
import type { PolicyText } from './policy.ts'
import { anyTag } from './tag-filter.ts'

/** A workload as git says it: whatever a release of its images needs to know. */
export type Workload = {
  id: string
  ref: ObjectRef
  /** Path inside the repository. */
  file: string
  /** Which of the file's objects, counted as {@link openManifests} gives them. */
  index: number
  isAutomated: boolean
  /** Why it is not released by itself, in words for people; absent where it may be. Force lets either fall. */
  blockedBy?: 'locked' | 'ignored'
  /** SOPS encrypted its file: nothing lets that be edited, since `sops decrypt` would fail from then on. */
  isSealed: boolean
  containers: (Container & { policy: PolicyText })[]
  /** A generator of a `.flux.yaml` prints it: what it is changed by, in place of an edit of `file`, which is the `.flux.yaml`. */
  made?: Made
  /** As they stand in git. */
  annotations: Readonly<Record<string, string>>
  pullSecrets: string[]
  serviceAccount: string
}

/** What a sealed file is, in words for people. */
export const sealed = 'encrypted with SOPS'

/** `directory`: the target, from the root of the repository. `object`: as it is printed and patched. */
export type Made = { by: 'updaters' | 'patch'; directory: string; object: KubeObject }

/**
 * What an object of git says about its images and policies (flux-v1 §§2, 4, 16). `defaultNamespace` is where it goes when it names
 * none, `targetNamespace` where all go. Undefined for what has no images and for the cluster's own add-ons.
 */
export function readWorkload(
  object: KubeObject,
  where: { file: string; index: number; isSealed?: boolean; defaultNamespace: string; targetNamespace?: string },
): Workload | undefined {
  const containers = locateImages(object)
  if (!containers?.length || isAddOn(object)) return undefined
  const ref = {
    ...refOf(object),
    namespace: where.targetNamespace || object.metadata.namespace || where.defaultNamespace,
  }
  const policies = readPolicies(object.metadata.annotations)
  const blockedBy = hasPolicy(policies, lockedPolicy)
    ? 'locked'
    : hasPolicy(policies, ignorePolicy)
      ? 'ignored'
      : undefined
  return {
    id: idOf(ref),
    ref,
    file: where.file,
    index: where.index,
    isAutomated: hasPolicy(policies, automatedPolicy),
    ...(blockedBy ? { blockedBy } : {}),
    isSealed: where.isSealed === true || object.sops !== undefined,
    containers: containers.map((one) => ({ ...one, policy: readPolicyText(object, policies, one.name) })),
    annotations: object.metadata.annotations ?? {},
    pullSecrets: pullSecretsOf(object),
    serviceAccount: serviceAccountOf(object),
  }
}

/** A container's policy: the filter stands under the ancestors' prefixes; what refines it is ours, for one container or for all. */
export function readPolicyText(
  { metadata: { annotations = {} } }: Pick<KubeObject, 'metadata'>,
  policies: Policies,
  name: string,
): PolicyText {
  const ours = (rule: keyof typeof imagePolicyAnnotations) =>
    annotations[`${imagePolicyAnnotations[rule]}.${name}`] ?? annotations[imagePolicyAnnotations[rule]]
  const [extract, deny, minAge, pin] = [ours('extract'), ours('deny'), ours('minAge'), ours('pin')]
  return {
    filter: policies.get(tagPolicyPrefix + name) ?? anyTag,
    ...(extract === undefined ? {} : { extract }),
    ...(deny === undefined ? {} : { deny }),
    ...(minAge === undefined ? {} : { minAge }),
    ...(pin === undefined ? {} : { pin }),
  }
}

/** True for what the add-on manager owns; hidden from automation and lists, as the ancestor did (flux-v1 §2). */
export function isAddOn({ metadata: { namespace, labels = {} } }: KubeObject): boolean {
  const mode = labels['addonmanager.kubernetes.io/mode']
  return (
    namespace === 'kube-system' &&
    (labels['kubernetes.io/cluster-service'] === 'true' || mode === 'EnsureExists' || mode === 'Reconcile')
  )
}
