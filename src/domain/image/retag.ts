import type { Container } from './container.ts'
import type { ImageRef } from './ref.ts'

/**
 * The container's scalar with another tag and digest in place of those that it has, in the form that it has: a name stays as it was
 * written (flux-v1 §1).
 */
export function retag(
  { text, image, isTagAlone }: Container,
  { tag = '', digest }: Pick<ImageRef, 'tag' | 'digest'>,
): string {
  const behind = `${tag}${digest === undefined ? '' : `@${digest}`}`
  if (isTagAlone) return behind
  const old = `${image.tag === undefined ? '' : `:${image.tag}`}${image.digest === undefined ? '' : `@${image.digest}`}`
  return `${text.slice(0, text.length - old.length)}:${behind}`
}
