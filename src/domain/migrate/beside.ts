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
  const name = textOf(container.name)
  const subject = `container ${name}`
  if (name === 'tiller') return told(subject, 'dropped', 'helm 2 is not supported')
  const mounts = mountsOf(container, facts.old.pod)
  const obstacle = obstacleOf(container, mounts)
  if (obstacle)
    return refusal(
      subject,
      `container:${name}`,
      `${obstacle}, which the pods of our chart may not: run it as a Deployment of its own, which asks capstan.${facts.namespace}:3030`,
    )
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
  const text =
    'value extraContainers: it runs beside Capstan and finds it at 127.0.0.1:3030; as nobody (uid 65534) where it names no other user'
  return joined([
    told(subject, 'differs', text, [['extraContainers', [plain(carried)]]]),
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
