import { join } from 'node:path'
import type { Problem } from '../../domain/manifest/problem.ts'
import { refuseKustomization } from '../../domain/source/kustomization.ts'
import { filesBelow } from './files.ts'
import { environmentOf, maxOutputBytes, type Place } from './place.ts'
import { whyFailed } from './words.ts'

/** Nothing is listening there, and nothing is looked up: whatever kustomize would fetch ends here (hazard I7). */
const nowhere = 'http://127.0.0.1:9'
const noNetwork = {
  http_proxy: nowhere,
  https_proxy: nowhere,
  all_proxy: nowhere,
  no_proxy: '',
  HTTP_PROXY: nowhere,
  HTTPS_PROXY: nowhere,
  ALL_PROXY: nowhere,
  NO_PROXY: '',
  GIT_ALLOW_PROTOCOL: 'none',
}

/** Of one kustomize; more is a bomb (hazard I8). */
const limits = { dataBytes: 2 * 1024 ** 3, cpuSeconds: 300 }

/** A folder of the repository and the file that people see for it. */
export type BuildAt = { file: string; folder: string; timeoutMs: number }

/** Builds a folder of the checkout, after looking through all that it loads (hazards I6–I8). */
export async function buildFolder(at: BuildAt, place: Place): Promise<{ text: string } | { problem: Problem }> {
  const refused = refuseKustomization(filesBelow(place.root), at.folder, { remote: place.remoteBases })
  return refused ? { problem: refused } : kustomize(join(place.root, at.folder), at, place)
}

/** The binary on a folder: no plugins, no helm, no programs, no file from outside of each kustomization's own folder. */
export async function kustomize(
  directory: string,
  { file, timeoutMs }: Pick<BuildAt, 'file' | 'timeoutMs'>,
  place: Place,
): Promise<{ text: string } | { problem: Problem }> {
  const result = await place.run({
    command: place.kustomizeBinary,
    args: ['build', '--load-restrictor', 'LoadRestrictionsRootOnly', directory],
    env: {
      ...(await environmentOf(place)),
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_NOSYSTEM: '1',
      ...(place.remoteBases ? { GIT_ALLOW_PROTOCOL: 'https:ssh' } : noNetwork),
    },
    cwd: place.scratch,
    timeoutMs,
    maxOutputBytes,
    limits,
    signal: place.signal,
  })
  place.signal.throwIfAborted()
  if (result.ended === 'exit' && result.exitCode === 0) return { text: result.stdout }
  const why =
    result.ended === 'notFound'
      ? `the program ${place.kustomizeBinary} is not there; install kustomize 5 or give --kustomize-binary`
      : whyFailed(result, { timeoutMs, root: place.root })
  return { problem: { reason: 'KustomizeFailed', file, line: 0, message: `kustomize build failed: ${why}` } }
}
