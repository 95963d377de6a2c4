import type { Json } from '../manifest/object.ts'
import { type OldFacts, valuesOf } from './old-facts.ts'
import { joined, nothing, type Part, refusal, told } from './part.ts'
import { listOf, mapOf, textOf } from './raw.ts'

const passedOver = /^(checksum\/|kubectl\.kubernetes\.io\/|scheduler\.alpha\.kubernetes\.io\/|prometheus\.io)/
/** Labels of a pod that give it an identity of a cloud. */
const identityLabels = /^(aadpodidbinding$|azure\.workload\.identity\/)/
const identityAnnotations = /^(eks\.amazonaws\.com|iam\.gke\.io|azure\.workload\.identity)\//

/** What stands around the container: where the pod runs, as whom, with what beside it. */
export function fromSurroundings(facts: OldFacts): Part {
  return joined([
    ofProgram(facts),
    ofContainers(facts),
    ofPlace(facts),
    ofPodMeta(facts),
    ofAccount(facts),
    ...facts.services.map((service) =>
      told(
        `Service ${service}`,
        'do',
        `it leads to nobody after the move; callers ask capstan.${facts.namespace}:3030, with the token of the Secret capstan-api`,
      ),
    ),
  ])
}

/** An image's own command may be written out. */
function ofProgram({ old: { command } }: OldFacts): Part {
  const words = command.filter((word) => word !== '' && word !== '--')
  const isUsual = words.every((word) => /^(\/sbin\/)?tini$|(^|\/)(fluxd|helm-operator)$/.test(word))
  return isUsual ? nothing : refusal('command', 'command', `the container runs another program: ${words.join(' ')}`)
}

function ofContainers({ old: { beside, before } }: OldFacts): Part {
  return joined([
    ...beside.map((name) =>
      name === 'tiller'
        ? told('container tiller', 'dropped', 'helm 2 is not supported')
        : refusal(
            `container ${name}`,
            `container:${name}`,
            'it ran beside: add it to extraContainers with --set or afterwards',
          ),
    ),
    ...before.map((name) =>
      refusal(
        `init container ${name}`,
        `container:${name}`,
        'it ran before: add it to initContainers, or leave it out where it fetched helm plugins',
      ),
    ),
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
  ]
  return joined(
    given.flatMap(([name, value]) =>
      value === undefined
        ? []
        : [told(name, 'same', `value ${name}`, [[name, JSON.parse(JSON.stringify(value)) as Json]])],
    ),
  )
}

function ofPodMeta({ old: { podMeta } }: OldFacts): Part {
  const { labels, annotations } = podMeta
  const scraped = annotations['prometheus.io/scrape'] === 'true' || annotations['prometheus.io.scrape'] === 'true'
  const kept = Object.entries(annotations).filter(([key]) => !passedOver.test(key))
  const identity = Object.entries(labels).filter(([key]) => identityLabels.test(key))
  return joined([
    scraped
      ? told('prometheus.io/scrape', 'same', 'value prometheus.enabled', [['prometheus.enabled', true]])
      : nothing,
    ...kept.map(([key, value]) =>
      told(`pod annotation ${key}`, 'same', 'value podAnnotations', [['podAnnotations', { [key]: value }]]),
    ),
    ...identity.map(([key, value]) =>
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
