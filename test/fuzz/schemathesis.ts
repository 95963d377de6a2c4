import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { toolsFolder, whileAlone } from '../../playground/tools/cache.ts'

const run = promisify(execFile)
const here = import.meta.dirname
const pythons = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']

/**
 * The program, in an environment of Python of its own in the cache of tools; made on first use, with pip and the versions of
 * requirements.txt. Throws with what to do where there is no Python of 3.10 or newer.
 */
export async function installSchemathesis(report: (line: string) => void): Promise<string> {
  const requirements = join(here, 'requirements.txt')
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const folder = join(toolsFolder(), `schemathesis-${digest}`)
  const program = join(folder, 'bin', 'schemathesis')
  const mark = join(folder, 'complete')
  if (existsSync(mark)) return program
  return await whileAlone(toolsFolder(), report, async () => {
    if (existsSync(mark)) return program
    report('schemathesis is installed by pip, once')
    // what a killed start left half-made
    rmSync(folder, { recursive: true, force: true })
    await run(await findPython(), ['-m', 'venv', folder])
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--requirement', requirements]
    await run(join(folder, 'bin', 'python'), pip, { maxBuffer: 2 ** 24 })
    writeFileSync(mark, '')
    return program
  })
}

async function findPython(): Promise<string> {
  for (const name of pythons) {
    const test = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'
    const fits = await run(name, ['-c', test]).then(
      () => true,
      () => false,
    )
    if (fits) return name
  }
  throw new Error('schemathesis needs Python 3.10 or newer with venv: install python3 and python3-venv.')
}

/**
 * Runs it to its end in a folder, where it leaves what it found, with what it prints passed on. Gives what is wrong, as sentences: its own
 * exit code, and what that does not tell, which is that a thread of it ended by a fault and left operations out.
 */
export async function runSchemathesis(
  program: string,
  args: readonly string[],
  { env, folder }: { env: Readonly<Record<string, string>>; folder: string },
): Promise<string[]> {
  const child = spawn(program, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let said = ''
  for (const [stream, shown] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
      shown.write(text)
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return troublesOf(code ?? 1, said)
}

function troublesOf(code: number, said: string): string[] {
  const [, selected] = /^\s*Selected: (\d+)\//m.exec(said) ?? []
  const [, tested] = /^\s*Tested: (\d+)$/m.exec(said) ?? []
  return [
    ...(code === 0 ? [] : [`schemathesis ended with ${code}`]),
    ...(said.includes('Exception in thread') ? ['a thread of schemathesis ended by a fault'] : []),
    ...(selected !== undefined && selected === tested
      ? []
      : [`${tested ?? 'none'} of ${selected ?? '?'} operations tested`]),
  ]
}
