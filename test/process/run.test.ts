import { existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { filterScript } from '../../src/lib/run.ts'
import { countTurns } from '../fakes/turns.ts'

const env = { PATH: '/usr/local/bin:/usr/bin:/bin' }
const run = createRun({ redact: (text) => text.replaceAll('hunter2', '***') })

function bash(script: string, extra: Partial<Parameters<typeof run>[0]> = {}) {
  return run({ command: 'bash', args: ['-c', script], env, timeoutMs: 120_000, ...extra })
}

/** Waits until the process of that number, which a script wrote, is no more. */
async function isGone(text: string): Promise<boolean> {
  const pid = Number(text)
  expect(pid).toBeGreaterThan(1)
  return await until('the end of the process', async () => ['Z', 'gone'].includes(stateOf(pid)))
}

function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .slice(0, 1)
  } catch {
    return 'gone'
  }
}

describe('a child process', () => {
  it('gives its exit code, output and errors', async () => {
    const result = await bash('echo out; echo err >&2; exit 3')
    expect(result).toMatchObject({ exitCode: 3, stdout: 'out\n', stderr: 'err\n', ended: 'exit' })
  })

  it('sees exactly the environment that was given', async () => {
    const result = await run({ command: '/usr/bin/env', args: [], env: { A: '1' }, timeoutMs: 60_000 })
    expect(result.stdout).toBe('A=1\n')
  })

  it('gets its arguments as they are, whatever they hold', async () => {
    const odd = ['$(id)', "a'b", '"', '; echo x', '', '*']
    const result = await run({
      command: 'bash',
      args: ['-c', 'printf "%s\\n" "$@"', '-', ...odd],
      env,
      timeoutMs: 60_000,
    })
    expect(result.stdout).toBe(`${odd.join('\n')}\n`)
  })

  it('reads the input and then its end', async () => {
    expect((await bash('cat', { input: 'héllo' })).stdout).toBe('héllo')
    expect((await bash('cat')).stdout).toBe('')
    const bytes = new Uint8Array([0xc3, 0xa9])
    expect((await bash('cat', { input: bytes })).stdout).toBe('é')
  })

  it('that ends without reading its input is no failure of ours', async () => {
    const result = await bash('exit 0', { input: 'x'.repeat(5_000_000) })
    expect(result).toMatchObject({ exitCode: 0, ended: 'exit' })
  })
})

describe('what cannot be started', () => {
  it('is notFound for a program that is nowhere on its own PATH', async () => {
    const result = await run({ command: 'no-such-program', args: [], env, timeoutMs: 60_000 })
    expect(result).toMatchObject({ ended: 'notFound', exitCode: undefined })
    expect(await run({ command: 'bash', args: [], env: {}, timeoutMs: 60_000 })).toMatchObject({ ended: 'notFound' })
    expect(await run({ command: '/etc/passwd', args: [], env, timeoutMs: 60_000 })).toMatchObject({ ended: 'notFound' })
  })

  it('names a working directory that is missing', async () => {
    const result = await bash('true', { cwd: '/no/such/folder' })
    expect(result).toMatchObject({ ended: 'notFound', stderr: 'no such directory: /no/such/folder' })
  })
})

/** Ends the script by the timeout, later and later until it has come as far as its first `echo`. */
async function timedOut(script: string) {
  for (const timeoutMs of [2_000, 8_000]) {
    const result = await bash(script, { timeoutMs })
    if (result.stdout !== '') return { ...result, timeoutMs }
  }
  return { ...(await bash(script, { timeoutMs: 32_000 })), timeoutMs: 32_000 }
}

describe('a process that must end', () => {
  it('may have more time than a timer can count', async () => {
    expect(await bash('echo well', { timeoutMs: 2 ** 40 })).toMatchObject({ ended: 'exit', stdout: 'well\n' })
  })

  it('goes at the timeout with a grandchild that holds standard output', async () => {
    const result = await timedOut('sleep 3600 & echo $!; wait')
    expect(result.ended).toBe('timeout')
    expect(await isGone(result.stdout)).toBe(true)
  })

  it('goes by SIGKILL when it ignores SIGTERM', async () => {
    const result = await timedOut('trap "" TERM; echo $$; while :; do sleep 1; done')
    expect(result.ended).toBe('timeout')
    expect(result.durationMs).toBeGreaterThan(result.timeoutMs + 4_000)
    expect(await isGone(result.stdout)).toBe(true)
  })

  it('may clean up at SIGTERM', async () => {
    const result = await timedOut('trap "echo bye; exit 0" TERM; echo up; sleep 60 & wait')
    expect(result).toMatchObject({ ended: 'timeout', stdout: 'up\nbye\n' })
  })

  it('goes when the signal is aborted, before or in the middle', async () => {
    const controller = new AbortController()
    const file = join(tmpdir(), `capstan-started-${process.pid}`)
    const pending = bash(`echo $$; touch ${file}; sleep 3600`, { signal: controller.signal })
    await until('it runs', async () => existsSync(file))
    controller.abort()
    const result = await pending
    rmSync(file)
    expect(result.ended).toBe('aborted')
    expect(await isGone(result.stdout)).toBe(true)
    expect(await bash('true', { signal: controller.signal })).toMatchObject({ ended: 'aborted', durationMs: 0 })
  })

  it('takes what it left in the background with it', async () => {
    const file = join(tmpdir(), `capstan-left-${process.pid}`)
    const result = await bash(`sleep 3600 >/dev/null 2>&1 </dev/null & echo $! >${file}`)
    expect(result).toMatchObject({ ended: 'exit', exitCode: 0 })
    expect(await isGone(readFileSync(file, 'utf8'))).toBe(true)
    rmSync(file)
  })

  it('is told apart when somebody else killed it', async () => {
    expect(await bash('kill -9 $$')).toMatchObject({ ended: 'killed', exitCode: undefined })
  })

  it('dies with us where setpriv exists', async () => {
    const guarded = createRun({ redact: (text) => text, setpriv: '/usr/bin/setpriv' })
    const result = await guarded({ command: 'bash', args: ['-c', 'echo $0'], env, timeoutMs: 60_000 })
    expect(result).toMatchObject({ exitCode: 0, ended: 'exit' })
    const missing = await guarded({ command: 'no-such-program', args: [], env, timeoutMs: 60_000 })
    expect(missing.ended).toBe('notFound')
    expect(await parentKilled()).toBe(true)
  })
})

describe('limits', () => {
  const limited = createRun({ redact: (text) => text, setpriv: '/usr/bin/setpriv', prlimit: '/usr/bin/prlimit' })
  const script = (command: string) => ({ command: 'bash', args: ['-c', command], env, timeoutMs: 120_000 })

  it('of memory and processor time hold in the child, which writes no core dump either', async () => {
    const limits = { dataBytes: 300 * 1024 * 1024, cpuSeconds: 7.5 }
    const result = await limited({ ...script('ulimit -d; ulimit -t; ulimit -c; ulimit -v'), limits })
    expect(result.stdout).toBe('307200\n8\n0\nunlimited\n')
  })

  it('are not there unless they are asked for, or where the tool is missing', async () => {
    const limits = { dataBytes: 300 * 1024 * 1024, cpuSeconds: 7.5 }
    expect((await limited(script('ulimit -t'))).stdout).toBe('unlimited\n')
    expect((await run({ ...script('ulimit -t'), limits })).stdout).toBe('unlimited\n')
  })

  it('end a child that goes on computing', async () => {
    const result = await limited({ ...script('while :; do :; done'), limits: { dataBytes: 2 ** 31, cpuSeconds: 1 } })
    expect(result.ended).toBe('killed')
  })
})

/** Starts another Node that starts a guarded `sleep`, kills it with -9 and looks whether the sleep went too. */
async function parentKilled(): Promise<boolean> {
  const module = new URL('../../src/adapters/process/index.ts', import.meta.url).href
  const script = `const { createRun } = await import(${JSON.stringify(module)})
    const run = createRun({ redact: (t) => t, setpriv: '/usr/bin/setpriv' })
    void run({ command: 'sleep', args: ['61'], env: { PATH: '/usr/bin:/bin' }, timeoutMs: 60000 })
    const { execFileSync } = await import('node:child_process')
    const children = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,args=']).toString()
    console.log(children.split('\\n').find((line) => /sleep 61/.test(line)).trim().split(' ')[0])
    process.kill(process.pid, 'SIGKILL')`
  const result = await run({
    command: process.execPath,
    args: ['--input-type=module', '-e', script],
    env,
    timeoutMs: 120_000,
  })
  return await isGone(result.stdout)
}

describe('output', () => {
  it('beyond its limit ends the process', async () => {
    const result = await bash('yes', { maxOutputBytes: 1_000 })
    expect(result.ended).toBe('tooMuchOutput')
    expect(result.stdout.length).toBeLessThanOrEqual(1_000)
  })

  it('counts bytes, not characters', async () => {
    const result = await bash('printf "é%.0s" {1..600}', { maxOutputBytes: 1_000 })
    expect(result.ended).toBe('tooMuchOutput')
  })

  it('of a child that fails holds nobody up, however many lines it has', async () => {
    const turns = countTurns()
    const result = await bash('yes abc | head -c 40000000; exit 1', { maxOutputBytes: 50_000_000 })
    const { longest } = await turns.stop()
    expect(result).toMatchObject({ ended: 'exit', exitCode: 1, stderr: '' })
    expect(result.stdout.length).toBe(40_000_000)
    // a hundred times what it takes; who looked at each of the ten million lines would need far more
    expect(longest).toBeLessThan(5_000_000)
  })

  it('beyond its limit ends all processes of a pipe', async () => {
    const result = await bash('echo $$; yes | cat', { maxOutputBytes: 1_000 })
    expect(result).toMatchObject({ ended: 'tooMuchOutput', exitCode: undefined })
    expect(result.stdout).toHaveLength(1_000)
    expect(await isGone(result.stdout.split('\n')[0] ?? '')).toBe(true)
  })

  it('of a process that was stopped is no reason of its own', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 300)
    const last = `trap 'head -c 5000 /dev/zero; exit 0' TERM; while :; do sleep 0.05; done`
    const result = await bash(last, { maxOutputBytes: 1_000, signal: controller.signal })
    expect(result.ended).toBe('aborted')
    expect((await bash(last, { maxOutputBytes: 1_000, timeoutMs: 300 })).ended).toBe('timeout')
  })

  it('on standard error is cut, keeps its end and does not end the process', async () => {
    const result = await bash('yes noise | head -c 3000000 >&2; echo the reason >&2; echo done')
    expect(result).toMatchObject({ ended: 'exit', stdout: 'done\n' })
    expect(Buffer.byteLength(result.stderr)).toBeLessThanOrEqual(64 * 1024)
    expect(result.stderr).toMatch(/^\[cut\]\n[\s\S]*the reason\n$/)
  })

  it('on standard error holds no secret, also where it is cut', async () => {
    const result = await bash('for i in {1..30000}; do echo hunter2hunter2; done >&2')
    expect(result.stderr).toMatch(/\*\*\*/)
    expect(result.stderr.slice(0, 40)).not.toMatch(/nter2|hunter/)
    expect(result.stderr).not.toContain('hunter2')
  })
})

describe('a filter', () => {
  const upper = (text: string) => text.toUpperCase()
  /** A program that lets `sh` filter what it says, as helm does. */
  const filtered = async (said: string, edit = upper, extra: Partial<Parameters<typeof run>[0]> = {}) => {
    const script = `${said} | sh -c "$1" "$2"; echo "exit \${PIPESTATUS[1]}"`
    const filter = { end: 'the-end', edit }
    const args = ['-c', script, '-', filterScript, filter.end]
    return await run({ command: 'bash', env, timeoutMs: 120_000, args, filter, ...extra })
  }

  it('gets what a grandchild says, and gives back what it is to be', async () => {
    expect((await filtered('printf "a: é\\n---\\n"')).stdout).toBe('A: É\n---\nexit 0\n')
    expect((await filtered('true')).stdout).toBe('exit 0\n')
    expect((await filtered('printf abc', () => '')).stdout).toBe('exit 0\n')
    expect((await filtered('printf abc', () => '7\nend\n')).stdout).toBe('7\nend\nexit 0\n')
  })

  it('takes more than a pipe holds', async () => {
    const { stdout } = await filtered('yes abcdefg | head -c 4000000')
    expect(stdout).toBe(`${'ABCDEFG\n'.repeat(500_000)}exit 0\n`)
  })

  it('is not deceived by zero bytes', async () => {
    const { stdout } = await filtered('(printf "a\\0"; sleep 0.2; printf "b\\0the-endc\\0")')
    expect(stdout).toBe('A\0B\0THE-ENDC\0exit 0\n')
  })

  it('gives back what is no text as it is', async () => {
    const { bytes } = await filtered('printf "a\\xff"', upper, { isBinary: true })
    expect(Buffer.from(bytes ?? []).toString('latin1')).toBe('a\xffexit 0\n')
  })

  it('fails in the child where it gets no whole answer', async () => {
    expect((await filtered('yes', upper, { maxOutputBytes: 100_000 })).stdout).toMatch(/^exit [1-9]/)
    const { stdout } = await filtered('echo a', () => {
      throw new Error('no')
    })
    expect(stdout).toMatch(/^exit [1-9]/)
    // the line with the length, and an answer that is cut short
    const cut = `exec 3< <(printf "5\\nab"); sh -c "read\${1#*read}"; echo "exit $?"`
    expect((await run({ command: 'bash', args: ['-c', cut, '-', filterScript], env, timeoutMs: 120_000 })).stdout).toBe(
      'abexit 1\n',
    )
  })
})
