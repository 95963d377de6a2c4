import type { KubeObject } from '../manifest/object.ts'

/**
 * Annotation on a HelmRelease with which a person lets one held step go: words of {@link adoptionOf} and {@link removalOf}, separated by
 * commas. Each word names what it approves, so that one that stays behind approves nothing that comes later.
 */
export const approveAnnotation = 'capstan.dev/approve'

/** Approves that Capstan takes over a release in trouble whose newest revision is this one (ruling 10). */
export function adoptionOf(revision: number): string {
  return `revision-${revision}`
}

/** Approves that the release is uninstalled that a HelmRelease left behind (ruling 21). */
export function removalOf({ namespace, release }: { namespace: string; release: string }): string {
  return `remove-${namespace}/${release}`
}

/** Annotation on a HelmRelease: `keep` or `remove` a first install that failed (ruling 11). */
export const failedInstallAnnotation = 'capstan.dev/failed-install'

/** What the HelmRelease says, else what holds for all. */
export function keepsFailedInstall({ metadata }: KubeObject, byDefault: 'keep' | 'remove'): boolean {
  const own = metadata.annotations?.[failedInstallAnnotation]
  return (own === 'keep' || own === 'remove' ? own : byDefault) === 'keep'
}

/** True when the HelmRelease carries the word. */
export function isApproved({ metadata }: KubeObject, word: string): boolean {
  const words = metadata.annotations?.[approveAnnotation]?.split(',') ?? []
  return words.some((one) => one.trim() === word)
}
