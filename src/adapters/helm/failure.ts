import { refusalOf } from '../../domain/status/refusal.ts'
import type { RunResult } from '../../lib/run.ts'
import type { HelmOutcome } from './helm.ts'

const maxMessage = 1_000

/** helm's exit and stderr → what people read. helm exits 1 for everything, so the words decide; `redact` knows the values' secrets. */
export function helmOutcome(result: RunResult, redact: (text: string) => string): HelmOutcome {
  if (result.ended === 'exit' && result.exitCode === 0) return { ok: true }
  if (result.ended === 'notFound') return { ok: false, reason: 'HelmMissing', message: 'the helm binary is not there' }
  if (result.ended === 'timeout')
    return { ok: false, reason: 'HelmFailed', message: 'helm did not end in time and was stopped' }
  if (result.ended === 'aborted') return { ok: false, reason: 'HelmFailed', message: 'helm was stopped' }
  if (result.ended === 'tooMuchOutput')
    return { ok: false, reason: 'RenderLimitExceeded', message: 'helm printed more than is allowed' }
  if (result.ended === 'outOfMemory') return { ok: false, reason: 'RenderLimitExceeded', message: result.stderr }
  if (result.ended === 'killed') {
    const message = 'helm was killed: it used more processor time or memory than a chart may, or somebody stopped it'
    return { ok: false, reason: 'RenderLimitExceeded', message }
  }
  if (/^(?:fatal error|runtime): .*(?:out of memory|cannot allocate memory)/m.test(result.stderr))
    return { ok: false, reason: 'RenderLimitExceeded', message: 'helm needed more memory than a chart may take' }
  // Go's garbage collector dies so where it gets no memory
  if (/^SIGSEGV: segmentation violation/m.test(result.stderr))
    return {
      ok: false,
      reason: 'RenderLimitExceeded',
      message: 'helm crashed, as where it needs more memory than a chart may take',
    }
  const message = redact(lastWords(result.stderr))
  return {
    ok: false,
    reason: reasonOf(message),
    message: message || `helm ended with exit code ${result.exitCode ?? 'unknown'}`,
    ...(taken.test(message) ? { isTaken: true as const } : {}),
  }
}

/** What is not there is uninstalled. */
export function uninstallOutcome(outcome: HelmOutcome): HelmOutcome {
  return !outcome.ok && absent.test(outcome.message) ? { ok: true } : outcome
}

/** pkg/action and pkg/storage/driver of helm 3 and of helm 4. */
const absent = /^uninstall: Release not loaded: \S+: release: not found\b/
const taken =
  /cannot re-?use a name that is still in use|another operation \(.*\) is in progress|\brelease: already exists\b/

const hook =
  /\b(?:pre|post)-(?:install|upgrade|rollback|delete) hooks? failed\b|\bfailed (?:pre|post)-(?:install|upgrade|rollback|delete)\b/i

type Failure = Extract<HelmOutcome, { ok: false }>['reason']

function reasonOf(message: string): Failure {
  if (hook.test(message)) return 'HookFailed'
  const unwanted = refusalOf(message)
  if (unwanted) return unwanted
  if (
    /execution error|parse error|error converting YAML|YAML parse|template:|schema|unable to build kubernetes objects|chart\.metadata|missing in charts/i.test(
      message,
    )
  )
    return 'RenderFailed'
  if (
    /Kubernetes cluster unreachable|connection refused|no such host|i\/o timeout|TLS handshake timeout/i.test(message)
  )
    return 'ClusterUnavailable'
  return 'HelmFailed'
}

/** One line: helm's `Error: …` and what follows it, without warnings. */
function lastWords(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(WARNING|W\d{4}|I\d{4})/.test(line))
  const first = lines.findLastIndex((line) => line.startsWith('Error:'))
  return lines
    .slice(Math.max(first, 0))
    .join(' ')
    .replace(/^Error:\s*/, '')
    .slice(0, maxMessage)
}
