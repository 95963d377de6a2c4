import { expect, it } from 'vitest'
import { runCommand } from '../../playground/tools/run-command.ts'

it('gives what the program printed', async () => {
  expect(await runCommand('echo', ['hello'])).toMatchObject({ ok: true, stdout: 'hello\n' })
})

it('says why a program failed by what it printed last', async () => {
  const { ok, reason } = await runCommand('sh', ['-c', 'echo first; echo the reason >&2; exit 3'])
  expect(ok).toBe(false)
  expect(reason).toMatch(/exit 3: .*the reason/)
})

it('says that there is no such program', async () => {
  expect((await runCommand('capstan-test-no-such-program', [])).reason).toContain('ENOENT')
})

it('ends the whole process group when it takes too long', async () => {
  // the one in the background holds the output open: were it left, this would last an hour
  const { ok, reason } = await runCommand('sh', ['-c', 'sleep 3600 & sleep 3600'], { timeoutMs: 200 })
  expect(ok).toBe(false)
  expect(reason).toContain('not done within 0.2 s')
})
