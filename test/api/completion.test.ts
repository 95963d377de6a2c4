import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { commit, createWorkbench, goodStatus, token } from './workbench.ts'

/** Whether a program is on PATH. */
function has(program: string): boolean {
  try {
    execFileSync(program, ['-c', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What a shell gives for a line with TAB at its end; each shell by its own means. */
const asks: Record<string, (folder: string, line: string) => string[]> = {
  bash: (folder, line) => [
    '-c',
    `source "$1/completion.bash"; COMP_LINE=$2 COMP_POINT=\${#2}; _\${2%% *}_complete; printf '%s\\n' "\${COMPREPLY[@]}"`,
    'bash',
    folder,
    line,
  ],
  zsh: (folder, line) => [
    '-f',
    '-c',
    // what the editor of zsh would show
    `compdef() {}; _files() { print files }; _describe() { print -rl -- "\${(@P)2}" }; source "$1/completion.zsh"
     words=("\${(@s: :)2}"); CURRENT=\${#words}; _\${words[1]}_complete`,
    'zsh',
    folder,
    line,
  ],
  fish: (folder, line) => ['-N', '-c', `source $argv[1]/completion.fish; complete -C $argv[2]`, folder, line],
}

const shells = Object.keys(asks).filter(has)

describe('completion', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-completion-'))
  const bench = createWorkbench()
  let env: Record<string, string> = {}

  beforeAll(async () => {
    const program = fileURLToPath(new URL('../../bin/capstan.mjs', import.meta.url))
    env = {
      PATH: [folder, dirname(process.execPath), process.env.PATH ?? ''].join(delimiter),
      HOME: folder,
      KUBECONFIG: join(folder, 'none'),
    }
    for (const name of ['capstan', 'fluxctl']) symlinkSync(program, join(folder, name))
    for (const shell of shells) {
      const scripts = ['capstan', 'fluxctl'].map((name) =>
        execFileSync(name, ['completion', shell], { env, cwd: folder }),
      )
      writeFileSync(join(folder, `completion.${shell}`), scripts.join('\n'))
    }
    bench.putStatus(goodStatus)
    await bench.putFetch(commit)
    bench.objects.push({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace: 'demo' },
      spec: { replicas: 0, template: { spec: { containers: [{ name: 'app', image: 'example/web:1' }] } } },
    })
    const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
    Object.assign(env, {
      CAPSTAN_URL: url,
      CAPSTAN_TOKEN: token,
      FLUX_URL: `${url}/api/flux`,
      FLUX_SERVICE_TOKEN: token,
    })
  })
  afterAll(async () => {
    await bench.app.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('is tried in bash at least', () => expect(shells).toContain('bash'))

  describe.each(shells)('by %s', (shell) => {
    async function press(line: string, more: Record<string, string> = {}): Promise<string[]> {
      const args = (asks[shell] as (typeof asks)[string])(folder, line)
      const { stdout, stderr } = await promisify(execFile)(shell, args, { env: { ...env, ...more }, cwd: folder })
      expect(stderr).toBe('')
      const lines = stdout.split('\n').filter(Boolean)
      // zsh escapes colons and puts the description behind one, fish puts it behind a tab
      if (shell !== 'zsh') return lines.map((text) => text.replace(/\t.*$/, ''))
      return lines.map((text) => text.replace(/(?<!\\):.*$/, '').replaceAll('\\:', ':'))
    }

    const isName = (word: string) => word !== 'files'

    /** As people do: names that come late are none, and TAB is pressed again. */
    async function pressUntilNamed(line: string): Promise<string[]> {
      return await until(`names for ${line}`, async () => {
        const words = await press(line)
        return words.some(isName) && words
      })
    }

    it.each([
      ['capstan sta', ['status']],
      ['capstan queue pa', ['pause']],
      ['capstan queue pause scan', ['scan-image']],
      ['capstan status --out', ['--output']],
      ['capstan status -o y', ['yaml']],
      ['capstan --url x sy', ['sync']],
      ['capstan helm roll', ['rollback']],
      ['capstan completion f', ['fish']],
      ['fluxctl list-w', ['list-workloads']],
      ['fluxctl release --upd', ['--update-image', '--update-all-images']],
      ['fluxctl list-images -o j', ['json']],
      ['fluxctl completion z', ['zsh']],
    ])('%s', async (line, expected) => {
      expect((await press(line)).toSorted()).toEqual(expected.toSorted())
    })

    it.each([
      ['capstan sync caps', 'capstan-system/default'],
      ['capstan lock --workload dem', 'demo:deployment/web'],
      ['fluxctl lock -w dem', 'demo:deployment/web'],
      ['fluxctl list-workloads -n d', 'demo'],
    ])('%s, by the server', async (line, expected) => {
      expect(await pressUntilNamed(line)).toEqual([expected])
    })

    it('goes on behind a colon, which bash takes for the end of a word', async () => {
      const [found] = await pressUntilNamed('capstan explain demo:dep')
      expect(found).toBe(shell === 'bash' ? 'deployment/web' : 'demo:deployment/web')
    })

    it('is silent without a server', async () => {
      const none = { CAPSTAN_URL: 'http://127.0.0.1:3', FLUX_URL: 'http://127.0.0.1:3' }
      for (const line of ['capstan sync caps', 'fluxctl lock -w dem'])
        expect((await press(line, none)).filter(isName)).toEqual([])
    })
  })
})
