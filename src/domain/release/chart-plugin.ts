import { parse } from 'yaml'
import { listOf, mapOf, textOf } from '../../lib/raw.ts'

/** What a plugin of helm fetches charts with: a program in its folder, for URLs of these schemes. */
export type Downloader = { command: readonly string[]; schemes: readonly string[] }

/**
 * The name of a plugin and what it downloads with, from its `plugin.yaml` as helm 3 reads it. Commands that lead out of the plugin's folder are
 * left out, and so is what Capstan does itself (http, https, oci). Undefined where the text is no such file.
 */
export function readChartPlugin(text: string): { name: string; downloaders: Downloader[] } | undefined {
  const file = mapOf(parsed(text))
  const name = textOf(file.name)
  if (name === '') return undefined
  const downloaders = listOf(file.downloaders).map((one) => ({
    command: textOf(mapOf(one).command).split(' ').filter(Boolean),
    schemes: listOf(mapOf(one).protocols)
      .map((scheme) => textOf(scheme).toLowerCase())
      .filter((scheme) => /^[a-z][a-z0-9+.-]*$/.test(scheme) && !/^(https?|oci|file)$/.test(scheme)),
  }))
  return { name, downloaders: downloaders.filter(({ command, schemes }) => isInside(command) && schemes.length > 0) }
}

function isInside([program = '']: readonly string[]): boolean {
  return program !== '' && !program.startsWith('/') && !program.split('/').includes('..')
}

function parsed(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}
