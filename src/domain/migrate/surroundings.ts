import type { Json } from '../manifest/object.ts'
import { containerBefore, containerBeside } from './beside.ts'
import { installsPlugin } from './helm-plugins.ts'
import { type OldFacts, valuesOf } from './old-facts.ts'
import { joined, nothing, type Part, refusal, told } from './part.ts'
import { listOf, mapOf, textOf } from '../../lib/raw.ts'

const passedOver = /^(checksum\/|kubectl\.kubernetes\.io\/|scheduler\.alpha\.kubernetes\.io\/|prometheus\.io)/
/** Labels by which an ancestor's own chart and tools know its pods. */
const ownLabels = /^(app|name|release|chart|heritage|k8s-app|pod-template-hash)$|^(app\.kubernetes\.io|helm\.sh)\//
const identityAnnotations = /^(eks\.amazonaws\.com|iam\.gke\.io|azure\.workload\.identity)\//

/** What stands around the container: where the pod runs, as whom, with what beside it. */
export function fromSurroundings(facts: OldFacts): Part {
  return joined([
    ofProgram(facts),
    ofContainers(facts),
    ofPlace(facts),
    ofTheRest(facts),
    ofPodMeta(facts),
    ofAccount(facts),
    ofRefresh(facts),
    ...facts.services.map((service) =>
      told(
        `Service ${service}`,
        'do',
        `it leads to nobody after the move; callers ask capstan.${facts.namespace}:3030, with the token of the Secret capstan-api for all but a refresh`,
      ),
    ),
  ])
}

/** Asking for a refresh needed no token; callers may be anywhere (ruling 3). */
function ofRefresh({ old: { ancestor } }: OldFacts): Part {
  const route = ancestor === 'fluxd' ? '/api/flux/v11/notify' : '/api/v1/sync-git'
  const text = 'value compat.openRefresh: without a token it is taken at most 12 times a minute'
  return told(`POST ${route}`, 'differs', text, [['compat.openRefresh', true]])
}

/** An image's own command may be written out. */
function ofProgram({ old: { command } }: OldFacts): Part {
  const words = command.filter((word) => word !== '' && word !== '--')
  const isUsual = words.every((word) => /^(\/sbin\/)?tini$|(^|\/)(fluxd|helm-operator)$/.test(word))
  return isUsual ? nothing : refusal('command', 'command', `the container runs another program: ${words.join(' ')}`)
}

function ofContainers(facts: OldFacts): Part {
  const { beside, before } = facts.old
  return joined([
    ...beside.map((container) => containerBeside(container, facts)),
    ...before.map((container) => installsPlugin(container) ?? containerBefore(container, facts)),
  ])
}

function ofPlace({ old: { pod } }: OldFacts): Part {
  const selector = Object.entries(mapOf(pod.nodeSelector)).filter(([key]) => !/^(beta\.)?kubernetes\.io\/os$/.test(key))
  const dnsPolicy = textOf(pod.dnsPolicy)
  const given: [string, unknown][] = [
    ['nodeSelector', selector.length > 0 ? Object.fromEntries(selector) : undefined],
    ['tolerations', listOf(pod.tolerations).length > 0 ? pod.tolerations : undefined],
    ['affinity', pod.affinity],
    ['hostAliases', pod.hostAliases],
    ['dnsPolicy', dnsPolicy === '' || dnsPolicy === 'ClusterFirst' ? undefined : dnsPolicy],
    ['dnsConfig', pod.dnsConfig],
    ['priorityClassName', textOf(pod.priorityClassName) || undefined],
    ['topologySpreadConstraints', pod.topologySpreadConstraints],
  ]
  return joined(
    given.flatMap(([name, value]) =>
      value === undefined
        ? []
        : [told(name, 'same', `value ${name}`, [[name, JSON.parse(JSON.stringify(value)) as Json]])],
    ),
  )
}

/** Fields that are read elsewhere, or say what would hold without them. */
const readElsewhere = new Set(
  `name image imagePullPolicy args command env envFrom volumeMounts ports terminationMessagePath terminationMessagePolicy
  containers initContainers volumes nodeSelector tolerations affinity hostAliases dnsPolicy dnsConfig priorityClassName
  topologySpreadConstraints serviceAccountName serviceAccount restartPolicy schedulerName priority preemptionPolicy
  enableServiceLinks`.split(/\s+/),
)
/** Fields that are Capstan's own business. */
const ours: Readonly<Record<string, string>> = {
  resources: 'it is another program: the resources of our chart count (value resources)',
  securityContext: 'our pods fit the restricted standard (values securityContext, containerSecurityContext)',
  imagePullSecrets: 'they were for the old image (value imagePullSecrets)',
  livenessProbe: 'our chart has its own',
  readinessProbe: 'our chart has its own',
  startupProbe: 'our chart has its own',
  terminationGracePeriodSeconds: 'value shutdownGrace of our chart',
}

/** Every other field of the pod and its container has a line too: an unknown one is refused. */
function ofTheRest({ old: { pod, container } }: OldFacts): Part {
  const isGiven = (value: unknown) =>
    value !== undefined && !['{}', '[]', 'null', 'false', '""'].includes(JSON.stringify(value))
  const fields = [...Object.entries(container), ...Object.entries(pod)].filter(
    ([name, value]) => !readElsewhere.has(name) && isGiven(value),
  )
  const why = new Map(fields.map(([name]) => [name, ours[name]]))
  return joined(
    [...why].map(([name, text]) =>
      text === undefined
        ? refusal(`pod field ${name}`, `field:${name}`, 'our chart has no value for it')
        : told(`pod field ${name}`, 'replaced', text),
    ),
  )
}

function ofPodMeta({ old: { podMeta } }: OldFacts): Part {
  const { labels, annotations } = podMeta
  const of = (what: string) => annotations[`prometheus.io/${what}`] ?? annotations[`prometheus.io.${what}`]
  // fluxd's own manifests annotate the port alone
  const scraped = (of('scrape') ?? String(of('port') !== undefined)) === 'true'
  const kept = Object.entries(annotations).filter(([key]) => !passedOver.test(key))
  const given = Object.entries(labels).filter(([key]) => !ownLabels.test(key))
  return joined([
    scraped
      ? told('prometheus.io/scrape', 'same', 'value prometheus.enabled, with our port', [['prometheus.enabled', true]])
      : nothing,
    ...kept.map(([key, value]) =>
      told(`pod annotation ${key}`, 'same', 'value podAnnotations', [['podAnnotations', { [key]: value }]]),
    ),
    ...given.map(([key, value]) =>
      told(`pod label ${key}`, 'same', 'value podLabels', [['podLabels', { [key]: value }]]),
    ),
  ])
}

/** Rights: the same reach, no more (flux-v1 §28, helm-operator §9). */
function ofAccount(facts: OldFacts): Part {
  const { accountAnnotations, isClusterWide, old } = facts
  const identity = Object.entries(accountAnnotations).filter(([key]) => identityAnnotations.test(key))
  const flag = old.ancestor === 'fluxd' ? 'k8s-allow-namespace' : 'allow-namespace'
  const isNarrow = !isClusterWide && (valuesOf(facts, flag)?.some((text) => text !== '') ?? false)
  return joined([
    isNarrow
      ? told(
          `account ${old.account}`,
          'same',
          'it has no rights in the whole cluster: value clusterRole.create=false',
          [['clusterRole.create', false]],
        )
      : { values: [['clusterRole.create', true]] },
    ...identity.map(([key, value]) =>
      told(
        `annotation ${key} of its account`,
        'same',
        `value serviceAccount.annotations; what it stands for must trust the account capstan in ${facts.namespace} too`,
        [['serviceAccount.annotations', { [key]: value }]],
      ),
    ),
  ])
}
