import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { configFileOf, type LoadResult, loadConfig } from '../config/load.ts'
import { gitUrlProblem } from '../domain/source/git-url.ts'
import { sinksOf } from './read-sinks.ts'

/** Settings of flags, environment and the file that they name; all that is wrong with them at once. */
export function readConfig(argv: readonly string[], env: NodeJS.ProcessEnv): LoadResult {
  const file = readConfigFile(argv, env)
  if ('problem' in file) return { problems: [file.problem], exitCode: 2 }
  const loaded = loadConfig({ argv, env, file: file.content })
  const badUrl = 'config' in loaded && loaded.config.source ? gitUrlProblem(loaded.config.source.url) : undefined
  if (badUrl) return { problems: [`--git-url: ${badUrl}`], exitCode: 2 }
  const { problems } = 'config' in loaded ? sinksOf(loaded.config) : { problems: [] }
  return problems.length > 0 ? { problems, exitCode: 2 } : loaded
}

function readConfigFile(argv: readonly string[], env: NodeJS.ProcessEnv): { content: unknown } | { problem: string } {
  const path = configFileOf({ argv, env })
  if (!path) return { content: undefined }
  try {
    return { content: parse(readFileSync(path, 'utf8')) }
  } catch (error) {
    return { problem: `the config file ${path} cannot be read: ${error instanceof Error ? error.message : ''}` }
  }
}
