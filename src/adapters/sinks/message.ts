import type { Event, Severity } from '../../domain/event/event.ts'
import type { Sink } from '../../domain/event/sink.ts'
import { fillTemplate } from '../../domain/event/template.ts'

/** A sink with its secrets read. */
export type OpenSink = Pick<Sink, 'name' | 'type' | 'repository' | 'template'> & {
  url: string
  token: string
  secret: string
  ca: string
}

/** What is sent, and how the answer that takes it is known: any of 2xx. */
export type Message = { url: string; method: 'GET' | 'POST'; headers: Record<string, string>; body?: string }

/** A message with a JSON body. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}): Message {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return { url, method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: text }
}

/** The line for people, by the sink's template where it has one. */
export function lineOf(event: Event, { template }: Pick<OpenSink, 'template'>): string {
  return template === '' ? event.message : fillTemplate(template, event)
}

/** What it is about: `sync capstan-system/default`. */
export function titleOf({ type, source }: Event): string {
  return `${type.replaceAll('_', ' ')} ${source.namespace}/${source.name}`
}

/** The beginning of a text, for those who take no more. */
export function cut(text: string, length: number): string {
  const letters = Array.from(text)
  return letters.length <= length ? text : `${letters.slice(0, length - 1).join('')}…`
}

/** As CSS writes them. */
export const colors: Readonly<Record<Severity, string>> = { info: '#2e7d32', warning: '#ed9b00', error: '#c62828' }

/** A path below a base address, whether that ends in a slash or not. */
export function below(base: string, path: string): string {
  const url = new URL(base)
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`
  return url.toString()
}
