import type { RegistryNotification } from './contract/notification.ts'

/** A repository that something was pushed to, as `host[:port]/path`, with the newest tag named. */
export type PushedImage = { name: string; tag: string }

/** More repositories in one notification are left to the next scan. */
const mostImages = 100
const repository = /^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/
const host = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/i

/**
 * The repositories that a notification is about, each once. The host is the one that the push used, else the one in the URL of
 * the manifest. What is no name is passed over: it comes from outside.
 */
export function pushedImages({ events }: RegistryNotification): PushedImage[] {
  const found = new Map<string, PushedImage>()
  for (const event of events) {
    const name = nameOf(event)
    const tag = event.target?.tag ?? ''
    if (!name) continue
    found.set(name, { name, tag: /^\w[\w.-]*$/.test(tag) ? tag : (found.get(name)?.tag ?? '') })
  }
  return [...found.values()].slice(0, mostImages)
}

/** `host[:port]/path` of a push; undefined for another event and for what is no name. */
function nameOf({ action = 'push', target, request }: RegistryNotification['events'][number]): string | undefined {
  const at = request?.host || hostOf(target?.url)
  const path = target?.repository ?? ''
  const name = `${at}/${path}`
  return action === 'push' && host.test(at) && repository.test(path) && name.length <= 253 ? name : undefined
}

function hostOf(url = ''): string {
  return URL.canParse(url) ? new URL(url).host : ''
}
