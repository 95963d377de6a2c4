import { describe, expect, it } from 'vitest'
import type { RunResult } from '../../lib/run.ts'
import { helmOutcome, uninstallOutcome } from './failure.ts'

const result = (given: Partial<RunResult>): RunResult => ({
  exitCode: 1,
  stdout: '',
  stderr: '',
  ended: 'exit',
  durationMs: 1,
  ...given,
})
const same = (text: string) => text

describe('helmOutcome', () => {
  it.each([
    ['a chart that does not render', 'Error: execution error at (demo/templates/a.yaml:1:4): no good', 'RenderFailed'],
    ['values that the schema refuses', "Error: values don't meet the specifications of the schema(s)", 'RenderFailed'],
    [
      'an API server that is away',
      'Error: Kubernetes cluster unreachable: Get "https://x": dial tcp',
      'ClusterUnavailable',
    ],
    ['objects that are refused', 'Error: INSTALLATION FAILED: Service "bad" is invalid: spec.ports', 'HelmFailed'],
    [
      'a hook that fails',
      'Error: UPGRADE FAILED: pre-upgrade hooks failed: 1 error occurred: * job failed: BackoffLimitExceeded',
      'HookFailed',
    ],
    [
      'a hook that fails, in the words of an install',
      'Error: INSTALLATION FAILED: failed pre-install: x',
      'HookFailed',
    ],
    [
      'a quota',
      'Error: INSTALLATION FAILED: configmaps "a" is forbidden: exceeded quota: q, requested: count/configmaps=1',
      'QuotaExceeded',
    ],
    [
      'a webhook that says no',
      'Error: INSTALLATION FAILED: admission webhook "w.example" denied the request: no',
      'AdmissionDenied',
    ],
    [
      'a chart that takes all memory',
      'runtime: x\nfatal error: runtime: out of memory\n\ngoroutine 1',
      'RenderLimitExceeded',
    ],
    ['a time-out', 'Error: UPGRADE FAILED: context deadline exceeded', 'HelmFailed'],
  ])('%s', (_name, stderr, reason) => {
    expect(helmOutcome(result({ stderr }), same)).toMatchObject({ ok: false, reason })
  })

  it.each([
    ['3', 'Error: INSTALLATION FAILED: cannot re-use a name that is still in use'],
    ['4', 'Error: INSTALLATION FAILED: cannot reuse a name that is still in use'],
    ['3 and 4', 'Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress'],
    ['3 and 4', 'Error: UPGRADE FAILED: release: already exists'],
  ])('knows that helm %s refuses since somebody else was there before: %s', (_major, stderr) => {
    expect(helmOutcome(result({ stderr }), same)).toMatchObject({ ok: false, isTaken: true })
  })

  it('takes no object that exists already for a release', () => {
    const stderr = 'Error: INSTALLATION FAILED: services "web" already exists'
    expect(helmOutcome(result({ stderr }), same)).not.toHaveProperty('isTaken')
  })

  it.each([
    ['notFound', 'HelmMissing'],
    ['timeout', 'HelmFailed'],
    ['aborted', 'HelmFailed'],
    ['tooMuchOutput', 'RenderLimitExceeded'],
    ['killed', 'RenderLimitExceeded'],
    ['outOfMemory', 'RenderLimitExceeded'],
  ] as const)('knows a run that ended by %s', (ended, reason) => {
    expect(helmOutcome(result({ ended, exitCode: undefined }), same)).toMatchObject({ ok: false, reason })
  })

  it.each([
    ['fatal error: runtime: out of memory', /^helm needed more memory than a chart may take$/],
    ['fatal error: runtime: cannot allocate memory', /^helm needed more memory than a chart may take$/],
    [
      'SIGSEGV: segmentation violation\nPC=0x43725d m=3 sigcode=1',
      /^helm crashed, .* more memory than a chart may take$/,
    ],
  ])('knows a Go program that got no memory: %s', (stderr, message) => {
    const expected = { ok: false, reason: 'RenderLimitExceeded', message: expect.stringMatching(message) as string }
    expect(helmOutcome(result({ stderr, exitCode: 2 }), same)).toEqual(expected)
  })

  it('gives one line without warnings, redacted and cut', () => {
    const stderr = `WARNING: Kubernetes configuration file is group-readable\nI1121 noise\nError: INSTALLATION FAILED: a\n  b hunter2x\n`
    const outcome = helmOutcome(result({ stderr }), (text) => text.replaceAll('hunter2x', '*****'))
    expect(outcome).toEqual({ ok: false, reason: 'HelmFailed', message: 'INSTALLATION FAILED: a b *****' })
    const long = helmOutcome(result({ stderr: `Error: ${'x'.repeat(5_000)}` }), same)
    expect(long.ok ? '' : long.message).toHaveLength(1_000)
  })

  it('is well when helm ended well', () => {
    expect(helmOutcome(result({ exitCode: 0 }), same)).toEqual({ ok: true })
  })
})

describe('uninstallOutcome', () => {
  it.each([
    ['a release that is not there', 'Error: uninstall: Release not loaded: web: release: not found', true],
    ['records that cannot be read', 'Error: uninstall: Release not loaded: web: secrets is forbidden', false],
    ['a hook that says so', 'Error: failed pre-delete: uninstall: x: release: not found', false],
  ])('%s', (_name, stderr, ok) => {
    expect(uninstallOutcome(helmOutcome(result({ stderr }), same)).ok).toBe(ok)
  })
})
