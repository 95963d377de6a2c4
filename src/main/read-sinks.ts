import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { Config } from '../config/config.ts'
import { readSinks, type Sink, upstreamSink } from '../domain/event/sink.ts'

/** The sinks of `--sinks-file` and `--connect`, and all that is wrong with them. */
export function sinksOf({ events }: Pick<Config, 'events'>): { sinks: Sink[]; problems: string[] } {
  const { sinksFile, connect, token } = events
  const upstream = connect === '' ? [] : [upstreamSink(connect, token)]
  if (!sinksFile) return { sinks: upstream, problems: [] }
  try {
    const { sinks, problems } = readSinks(parse(readFileSync(sinksFile, 'utf8')))
    const isTwice = upstream.some(({ name }) => sinks.some((sink) => sink.name === name))
    const twice = isTwice ? ['sink upstream: --connect makes one of the same name'] : []
    return { sinks: [...upstream, ...sinks], problems: [...problems, ...twice].map((one) => `${sinksFile}: ${one}`) }
  } catch (error) {
    // the text of a YAML error repeats a line of the file, which may hold a token
    const why =
      error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'it is not there' : 'it is no YAML'
    return { sinks: upstream, problems: [`the sinks file ${sinksFile} cannot be read: ${why}`] }
  }
}
