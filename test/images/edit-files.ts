import * as fc from 'fast-check'
import { editFile, type ScalarEdit } from '../../src/domain/image/edit.ts'
import { locateImages } from '../../src/domain/image/locate.ts'
import { openManifests } from '../../src/domain/image/open-manifests.ts'

/** A Deployment with this text as its list of containers. */
export function imageDeployment(container: string, name = 'x'): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  template:
    spec:
      containers:
${container.replaceAll(/^/gm, '      ')}
`
}

const quote = fc.constantFrom('', "'", '"')
const space = fc.constantFrom('', ' ', '   ')
const comment = fc.constantFrom('', ' # app:1.0', '  #image: x', '\t# ü→')
const newline = fc.constantFrom('\n', '\r\n')
const filler = fc.constantFrom('', '# 注释', '---', '--- # next', '...', '%YAML 1.1', '\ufeff')

/** What may stand behind the colon of an image. */
export const anyTag = fc.stringMatching(/^\w[\w.-]{0,12}$/)

const container = fc.tuple(quote, anyTag, space, comment, fc.boolean())
const documents = fc.array(fc.tuple(fc.array(container, { minLength: 1, maxLength: 3 }), filler), {
  minLength: 1,
  maxLength: 4,
})

/** Files of several documents with images in every writing: quotes, flow style, comments, odd spaces, line ends and marks between. */
export const anyFile = fc.tuple(documents, newline).map(([all, end]) =>
  all
    .map(([containers, extra]) => {
      const lines = containers.map(([mark, from, gap, note, isFlow], index) =>
        isFlow
          ? `- {${gap}name: n${index},${gap} image: ${mark}quay.io/app:${from}${mark}${gap}}${note}`
          : `- name: n${index}${note}\n  image:${gap} ${mark}quay.io/app:${from}${mark}${note}`,
      )
      const isDirective = extra.startsWith('%')
      return `${isDirective ? `${extra}\n` : ''}---\n${imageDeployment(lines.join('\n'))}${isDirective ? '' : `${extra}\n`}`
    })
    .join('')
    .replaceAll('\n', end),
)

/** Changes the tag of one of the images of a file, and again; undefined for a file without any. */
export function tryEdit(
  text: string,
  pick: number,
  tag: string,
): { refused: string; isOneScalar: boolean; isIdempotent: boolean } | undefined {
  const places = openManifests(text).flatMap(({ object }, index) =>
    (locateImages(object) ?? []).map(({ path, text: from }) => ({ index, path, from, to: withTag(from, tag) })),
  )
  const chosen = places[pick % Math.max(places.length, 1)]
  if (!chosen) return undefined
  const edited = editFile(text, [chosen])
  const again = editFile(edited.text, [{ ...chosen, from: chosen.to }])
  return {
    refused: edited.refused.map(({ why }) => why).join(),
    isOneScalar: isOneScalar(text, edited.text, chosen),
    isIdempotent: again.text === edited.text && again.refused.length === 0,
  }
}

function withTag(image: string, tag: string): string {
  return `${image.replace(/:[\w.-]*$/, '')}:${tag}`
}

/** What is before and behind the first and last different byte is the same, and the difference lies in one image. */
function isOneScalar(before: string, after: string, { from, to }: ScalarEdit): boolean {
  if (from === to) return before === after
  for (let at = before.indexOf(from); at >= 0; at = before.indexOf(from, at + 1))
    if (before.slice(0, at) + to + before.slice(at + from.length) === after) return true
  return false
}
