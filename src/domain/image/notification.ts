import { isTag, parseRef, repositoryOf, splitRepository } from './ref.ts'

/** The used part of what docker-registry sends after a push. */
export type Notification = {
  events: readonly {
    action?: string
    target?: { repository?: string; tag?: string; url?: string }
    request?: { host?: string }
  }[]
}

/** A repository that something was pushed to, by its canonical name, with the newest tag named; empty where none was. */
export type PushedImage = { name: string; tag: string }

/** More repositories in one notification are left to the next scan. */
const mostImages = 100

/**
 * The repositories that a notification is about, each once. The host is the one that the push used, else the one in the URL of the
 * manifest. What is no name is passed over: it comes from outside.
 */
export function pushedImages({ events }: Notification): PushedImage[] {
  const tagOf = new Map<string, string>()
  for (const { action = 'push', target = {}, request = {} } of events) {
    const host = request.host || hostOf(target.url)
    const given = `${host}/${target.repository ?? ''}`
    const ref = parseRef(given)
    // a host without dot or port would be read as part of the path
    if (action !== 'push' || !ref || !splitRepository(given)) continue
    const name = ref.domain === '' ? given : repositoryOf(ref)
    const tag = target.tag && isTag(target.tag) ? target.tag : (tagOf.get(name) ?? '')
    tagOf.set(name, tag)
  }
  return [...tagOf].slice(0, mostImages).map(([name, tag]) => ({ name, tag }))
}

function hostOf(url = ''): string {
  return URL.canParse(url) ? new URL(url).host : ''
}
