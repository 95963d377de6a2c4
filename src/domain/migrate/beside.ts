import { listOf, mapOf, type Raw, textOf } from '../../lib/raw.ts'
import type { Json } from '../manifest/object.ts'
import { envSecret, hidesSecret, renamed } from './environment.ts'
import { mountsOf, type Mount } from './old-deployment.ts'
import { type OldFacts, takenOver } from './old-facts.ts'
import { joined, nothing, type Part, refusal, told } from './part.ts'

/**
 * A container that ran beside the ancestor, such as Fluxcloud or a receiver of webhooks: it goes on beside Capstan, which it finds where it
 * found fluxd. Its volumes get names of their own, and texts in its environment that may be secrets go into a Secret of ours.
 */
export function containerBeside(container: Raw, facts: OldFacts): Part {
  if (textOf(container.name) === 'tiller') return told('container tiller', 'dropped', 'helm 2 is not supported')
  return carriedContainer(container, facts, {
    word: 'container',
    value: 'extraContainers',
    text: 'it runs beside Capstan and finds it at 127.0.0.1:3030',
    instead: `run it as a Deployment of its own, which asks capstan.${facts.namespace}:3030`,
  })
}

/** A container that ran before the ancestor: it runs before Capstan, and what it puts into a folder that both have is there for it. */
export function containerBefore(container: Raw, facts: OldFacts): Part {
  return carriedContainer(container, facts, {
    word: 'init container',
    value: 'initContainers',
    text: 'it runs before Capstan',
    instead: 'let it do its work as nobody (securityContext.runAsUser: 65534), or do that work in an image of your own',
  })
}

/** A volume of the pod that another container has too, so that what that one writes there is seen here. */
export function isShared({ volume }: Mount, { old: { beside, before } }: OldFacts): boolean {
  const names = [...beside, ...before].flatMap((one) => listOf(one.volumeMounts).map((mount) => mapOf(mount).name))
  return names.includes(volume.name)
}

/** The ancestor's own mount of such a volume. */
export function sharedMount({ volume, mount }: Mount): Part['values'] {
  const name = besideName(volume)
  return [
    ['extraVolumes', [plain({ ...volume, name })]],
    ['extraVolumeMounts', [plain({ ...mount, name })]],
  ]
}

/** Which value takes a container, and what is said of it. */
type Place = { word: string; value: string; text: string; instead: string }

function carriedContainer(container: Raw, facts: OldFacts, place: Place): Part {
  const name = textOf(container.name)
  const subject = `${place.word} ${name}`
  const mounts = mountsOf(container, facts.old.pod)
  const obstacle = obstacleOf(container, mounts)
  if (obstacle)
    return refusal(subject, `container:${name}`, `${obstacle}, which the pods of our chart may not: ${place.instead}`)
  const volumes = mounts.map((mount) => volumeOf(mount, facts))
  const env = listOf(container.env).map((entry) => variable(name, mapOf(entry), facts))
  const all = listOf(container.envFrom).map((entry) => everyVariable(mapOf(entry), facts))
  const { volumeMounts: _mounts, env: _env, envFrom: _all, ...rest } = container
  const carried: Raw = {
    ...rest,
    ...given('env', env),
    ...given('envFrom', all),
    ...(mounts.length > 0
      ? { volumeMounts: mounts.map(({ mount, volume }) => ({ ...mount, name: besideName(volume) })) }
      : {}),
  }
  const text = `value ${place.value}: ${place.text}; as nobody (uid 65534) where it names no other user`
  return joined([
    told(subject, 'differs', text, [[place.value, [plain(carried)]]]),
    ...volumes,
    ...[...env, ...all].map(({ part }) => part),
  ])
}

type Carried = { value: Raw; part: Part }

function given(name: string, list: readonly Carried[]): Raw {
  return list.length > 0 ? { [name]: list.map(({ value }) => value) } : {}
}

function obstacleOf({ securityContext, ports }: Raw, mounts: readonly Mount[]): string {
  const { privileged, runAsUser, allowPrivilegeEscalation } = mapOf(securityContext)
  if (privileged === true || allowPrivilegeEscalation === true) return 'it has privileges of the node'
  if (runAsUser === 0) return 'it runs as root'
  if (listOf(ports).some((port) => mapOf(port).hostPort !== undefined)) return 'it has a port of the node'
  return mounts.some(({ kind }) => kind === 'hostPath') ? 'it has a folder of the node' : ''
}

function besideName({ name }: Raw): string {
  return `beside-${textOf(name)}`.slice(0, 63)
}

function volumeOf({ kind, name, volume }: Mount, facts: OldFacts): Part {
  const taken = kind === 'Secret' || kind === 'ConfigMap' ? takenOver(facts, kind, name) : { name, part: nothing }
  const moved = {
    ...volume,
    ...(kind === 'Secret' ? { secret: { ...mapOf(volume.secret), secretName: taken.name } } : {}),
    ...(kind === 'ConfigMap' ? { configMap: { ...mapOf(volume.configMap), name: taken.name } } : {}),
    name: besideName(volume),
  }
  return joined([{ values: [['extraVolumes', [plain(moved)]]] }, taken.part])
}

function variable(container: string, entry: Raw, facts: OldFacts): Carried {
  const name = textOf(entry.name)
  if (entry.valueFrom) {
    const { value, part } = renamed(mapOf(entry.valueFrom), facts)
    return { value: { name, valueFrom: value }, part }
  }
  const text = textOf(entry.value)
  if (!hidesSecret(name, text) && !text.includes('://')) return { value: entry, part: nothing }
  const key = `${container}.${name}`
  const value = { name, valueFrom: { secretKeyRef: { name: envSecret, key } } }
  return { value, part: { secrets: { [envSecret]: { [key]: text } } } }
}

function everyVariable(entry: Raw, facts: OldFacts): Carried {
  return renamed(entry, facts)
}

function plain(value: Raw): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}
