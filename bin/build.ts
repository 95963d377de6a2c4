// `npm run build`: the program and its packages as a few files in dist/, the pages of the queue board and of `/` beside them.
// `node bin/build.ts FOLDER` puts them there instead; FOLDER is replaced and should be called dist.
import { cp, readdir, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'
import { writeLineTables } from './line-table.ts'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const dist = resolve(process.argv[2] ?? join(root, 'dist'))

// packages in CommonJS ask for these three, which ES modules do not have
const banner = `import { createRequire as __createRequire } from 'node:module'
const require = __createRequire(import.meta.url)
const __bundleFile = import.meta.filename
const __bundleFolder = import.meta.dirname`

/**
 * `run` is its own chunk: it is imported only when asked for, so that the other commands start at once. The process that parses
 * manifests gets by splitting just what it imports.
 */
const options: BuildOptions = {
  absWorkingDir: root,
  entryPoints: { capstan: 'src/main/cli.ts', 'parse-child': 'src/main/parse-child.ts' },
  outdir: dist,
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // names and lines only: who reads a stack trace has the sources
  sourcemap: true,
  sourcesContent: false,
  minify: false,
  keepNames: true,
  legalComments: 'none',
  banner: { js: banner },
  define: { __filename: '__bundleFile', __dirname: '__bundleFolder' },
  logLevel: 'warning',
}

await rm(dist, { recursive: true, force: true })
const { warnings } = await build(options)
await writeLineTables(dist)
// the board reads its page from disk
const boardUi = dirname(createRequire(import.meta.url).resolve('@bull-board/ui/package.json'))
await cp(boardUi, join(dist, 'board'), { recursive: true, filter: (path) => !path.endsWith('.map') })
await cp(join(root, 'src/ui/assets'), join(dist, 'page'), { recursive: true })
const mebibytes = (await sizeOf(dist)) / 1024 / 1024
process.stdout.write(
  `${join(dist, 'capstan.js')} and what it needs: ${mebibytes.toFixed(1)} MiB, ${warnings.length} warnings\n`,
)

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
