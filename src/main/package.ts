import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds package.json: the checkout, or what the image has in its place. */
export const packageRoot = findRoot(dirname(fileURLToPath(import.meta.url)))

export const version = (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string })
  .version

/** The chart that we ship. */
export const chartFolder = join(packageRoot, 'charts/capstan')

/** Definitions that we ship, as files. */
export const definitionFiles = {
  releases: join(chartFolder, 'crds/helmrelease.yaml'),
  sources: join(chartFolder, 'crds/source.yaml'),
}

/** What the page at `/` needs besides what is rendered; copied beside a bundle. */
export const pageAssets = join(packageRoot, import.meta.url.includes('/dist/') ? 'dist/page' : 'src/ui/assets')

/** In a bundle the board's page lies beside it; from sources its package is found by itself. */
export function boardUiPath(): string | undefined {
  const beside = join(packageRoot, 'dist/board')
  return import.meta.url.includes('/dist/') && existsSync(beside) ? beside : undefined
}

/** How the process that parses manifests is started: the bundle beside this one, or from its sources. */
export function parseChildEntry(): { command: string; args: string[] } {
  const isBundle = import.meta.url.includes('/dist/')
  const file = join(packageRoot, isBundle ? 'dist/parse-child.js' : 'src/main/parse-child.ts')
  return { command: process.execPath, args: ['--disable-warning=ExperimentalWarning', file] }
}

function findRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder
  const parent = dirname(folder)
  if (parent === folder) throw new Error('package.json is not found above the program')
  return findRoot(parent)
}
