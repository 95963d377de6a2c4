import { AppError } from '../error.ts'
import type { FieldPath, Step } from './field-path.ts'
import { isMap, stepInto } from './field-path.ts'

/**
 * A JSON pointer (RFC 6901) as a path. List items are named by place, or, as an extension, by keys: `/spec/ports/[port=80]/name`,
 * `[a=x,b=y]`. Throws `InvalidSource` for any other text.
 */
export function parsePointer(pointer: string): FieldPath {
  if (!/^(\/([^~]|~[01])*)+$/.test(pointer)) {
    throw new AppError('InvalidSource', `"${pointer}" is no JSON pointer; write it like /spec/replicas.`, {
      retry: 'never',
    })
  }
  return pointer.slice(1).split('/').map(pointerStep)
}

function pointerStep(token: string): Step {
  const text = token.replaceAll('~1', '/').replaceAll('~0', '~')
  const keys = /^\[([^=\]]+=.*)\]$/.exec(text)?.[1]
  if (keys !== undefined) {
    return { keys: Object.fromEntries(keys.split(',').map((pair) => cut(pair, pair.indexOf('=')))) }
  }
  return /^(0|[1-9]\d{0,8})$/.test(text) ? { index: Number(text) } : { key: text }
}

function cut(text: string, at: number): [string, string] {
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}

/**
 * A field as the server names it in a conflict, e.g. `.spec.containers[name="web"].image`. Keys with dots are written there as
 * they are, so the object that was sent decides where one ends; undefined when the text is not understood.
 */
export function parseFieldText(text: string, object: unknown): FieldPath | undefined {
  const path: Step[] = []
  let value = object
  let rest = text
  while (rest !== '') {
    const found = rest.startsWith('.') ? keyStep(rest, value) : bracketStep(rest)
    if (!found) return undefined
    path.push(found.step)
    value = stepInto(value, found.step)
    rest = rest.slice(found.length)
  }
  return path
}

type Found = { step: Step; length: number }

/** The longest key of the map that the text goes on with; else everything up to the next dot or bracket. */
function keyStep(text: string, value: unknown): Found | undefined {
  const keys = isMap(value) ? Object.keys(value) : []
  const fitting = keys
    .filter((key) => text.startsWith(key, 1) && /^([.[]|$)/.test(text.slice(key.length + 1)))
    .toSorted((a, b) => b.length - a.length)
  const key = fitting[0] ?? /^\.([^.[]+)/.exec(text)?.[1]
  return key === undefined ? undefined : { step: { key }, length: key.length + 1 }
}

const scalar = String.raw`"(?:[^"\\]|\\.)*"|[^",\]]+`
const bracket = new RegExp(String.raw`^\[((?:[^="\]]*=(?:${scalar}),?)+)\]|^\[(\d+)\]`)
const pairs = new RegExp(String.raw`([^=",]*)=(${scalar})`, 'g')

function bracketStep(text: string): Found | undefined {
  const match = bracket.exec(text)
  if (!match) return undefined
  const [{ length }, inside, index] = match
  if (index !== undefined) return { step: { index: Number(index) }, length }
  const keys = [...(inside ?? '').matchAll(pairs)].map(([, key = '', value = '']) => [key, read(value)] as const)
  const first = keys[0]
  if (first?.[0] === '') return { step: { value: first[1] }, length }
  return { step: { keys: Object.fromEntries(keys) }, length }
}

function read(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
