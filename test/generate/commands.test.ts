import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { commandFile, configMap, startWorkbench, type Workbench } from './workbench.ts'

let bench: Workbench

beforeAll(async () => {
  bench = await startWorkbench()
})
afterEach(() => {
  expect(bench.leftovers()).toEqual([])
})
afterAll(() => bench.close())

const generate = { generate: true }

describe('generators of a .flux.yaml', () => {
  it('run in the target, one after the other, and nothing there is read as plain YAML', async () => {
    bench.write({
      '.flux.yaml': JSON.stringify({
        version: 1,
        commandUpdated: { generators: [{ command: 'cat x.yaml' }, { command: 'echo "# $(basename "$PWD")"; ls -a' }] },
      }),
      'apps/x.yaml': configMap('x'),
      'apps/deep/y.yaml': configMap('y'),
      'plain/z.yaml': configMap('z'),
      'plain/.flux.yaml': 'version: 1\nscanForFiles: {}\n',
    })
    expect(await bench.render({ ...generate, paths: ['apps', 'plain', './apps/'] })).toEqual({
      plainPaths: ['plain'],
      outputs: [{ file: '.flux.yaml', generated: true, text: `${configMap('x')}\n---\n# apps\n.\n..\ndeep\nx.yaml\n` }],
      problems: [],
      warnings: [],
    })
  })

  it('may be none: that is a valid, empty state', async () => {
    bench.write({ '.flux.yaml': 'version: 1\ncommandUpdated: {generators: []}\n', 'x.yaml': configMap('x') })
    const rendered = await bench.render(generate)
    expect(rendered).toMatchObject({ plainPaths: [], outputs: [{ text: '' }], problems: [] })
  })

  it('that fail anywhere in a pipeline are a problem, never an empty success', async () => {
    bench.write({ '.flux.yaml': commandFile('cat no-such-file | sort') })
    const { outputs, problems } = await bench.render(generate)
    expect(outputs).toEqual([])
    expect(problems).toEqual([
      {
        reason: 'GeneratorFailed',
        file: '.flux.yaml',
        line: 0,
        message: expect.stringMatching(
          /^the generator 'cat no-such-file \| sort' failed in \.: exit code 1: cat: no-such-file:/,
        ),
      },
    ])
    const lax = await bench.render(generate, { strict: false })
    expect(lax).toMatchObject({ problems: [], outputs: [{ text: '' }] })
  })

  it('that fail keep neither earlier output nor later commands, and do not stop other targets', async () => {
    const marker = join(bench.folder, 'later')
    bench.write({
      'a/.flux.yaml': JSON.stringify({
        version: 1,
        commandUpdated: {
          generators: [
            { command: 'echo "a: 1"' },
            { command: 'echo hunter2 >&2; exit 3' },
            { command: `touch ${marker}` },
          ],
        },
      }),
      'b/.flux.yaml': commandFile('echo "b: 1"'),
      'c/.flux.yaml': 'version: 2\n',
      'd/x.yaml': configMap('x'),
    })
    const rendered = await bench.render({ ...generate, paths: ['a', 'b', 'c', 'd'] })
    expect(rendered.outputs).toEqual([{ file: 'b/.flux.yaml', text: 'b: 1\n', generated: true }])
    expect(rendered.plainPaths).toEqual(['d'])
    expect(rendered.problems).toMatchObject([
      { reason: 'GeneratorFailed', file: 'a/.flux.yaml', message: expect.stringMatching(/in a: exit code 3: \*\*\*$/) },
      { reason: 'InvalidYAML', file: 'c/.flux.yaml', line: 1 },
    ])
    expect(existsSync(marker)).toBe(false)
  })

  it('say no more than 500 characters of their errors, the last, on one line and without our folders', async () => {
    bench.write({
      'a/.flux.yaml': commandFile('pwd >&2; seq 100000 >&2; printf "end\\e[31m\\n" >&2; exit 1'),
      'b/x': '',
    })
    const [problem] = (await bench.render({ ...generate, paths: ['a'] })).problems
    expect(problem?.message.length).toBeLessThan(800)
    expect(problem?.message).toMatch(/99999 100000 end \[31m$/)
    bench.write({ 'a/.flux.yaml': commandFile('pwd >&2; exit 1') })
    const [short] = (await bench.render({ ...generate, paths: ['a'] })).problems
    expect(short?.message).toMatch(/exit code 1: a$/)
  })

  it('are stopped with all that they started when their time is over', async () => {
    const pids = join(bench.folder, 'pids')
    bench.write({
      '.flux.yaml': commandFile(`sleep 600 & echo $! > ${pids}; (sleep 601 & echo $! >> ${pids}; wait); wait`, {
        timeout: '15s',
      }),
    })
    const { problems, outputs } = await bench.render(generate)
    expect(outputs).toEqual([])
    expect(problems[0]?.message).toMatch(/did not end within 15 s and was stopped/)
    const started = readFileSync(pids, 'utf8').trim().split('\n')
    expect(started).toHaveLength(2)
    // a process that was killed still takes a moment to end
    await until('both have ended', async () => !started.some((pid) => isAlive(Number(pid))))
  })

  it('are stopped by the signal, whose reason is thrown', async () => {
    const started = join(bench.folder, 'started')
    bench.write({ '.flux.yaml': commandFile(`touch ${started}; sleep 600`) })
    const stop = new AbortController()
    const rendering = bench.render(generate, {}, stop.signal)
    await expect.poll(() => existsSync(started), { timeout: 120_000 }).toBe(true)
    stop.abort(new Error('enough'))
    await expect(rendering).rejects.toThrow('enough')
  })

  it('may not print without end', async () => {
    bench.write({ '.flux.yaml': commandFile('head -c 60000000 /dev/zero; sleep 600') })
    const { problems, outputs } = await bench.render(generate)
    expect(outputs).toEqual([])
    expect(problems[0]?.message).toMatch(/printed more than 50 MB/)
  })

  it('see what the operator set, an empty home and nothing of ours', async () => {
    bench.write({ '.flux.yaml': commandFile('env -0 | sort -z | tr "\\0" "\\n"; ls -A "$HOME" "$TMPDIR"') })
    const environment = {
      CLUSTER: 'blue',
      FLUX_STAGE: 'x',
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
      CAPSTAN_REDIS_URL: 'redis://x',
      GIT_AUTHKEY: 'secret',
      HOME: '/root',
    }
    const [output] = (await bench.render(generate, { environment })).outputs
    const lines = output?.text.trim().split('\n') ?? []
    const names = lines.filter((line) => /^\w+=/.test(line)).map((line) => line.split('=')[0])
    expect(names.filter((name) => !['PWD', 'SHLVL', '_'].includes(name ?? ''))).toEqual([
      'CLUSTER',
      'FLUX_STAGE',
      'HOME',
      'PATH',
      'TMPDIR',
    ])
    expect(lines).toContain('CLUSTER=blue')
    expect(lines.find((line) => line.startsWith('HOME='))).not.toBe('HOME=/root')
  })

  it('find links inside the repository as copies, and no others', async () => {
    bench.write({
      'apps/.flux.yaml': commandFile(
        'find . -type l; cat in.yaml folder/x.yaml; ls out.yaml loop 2>&1 | grep -c "No such"; true',
      ),
      'apps/in.yaml': '-> ../shared/x.yaml',
      'apps/folder': '-> ../shared',
      'apps/out.yaml': '-> /etc/passwd',
      'apps/loop': '-> ..',
      'shared/x.yaml': 'x: 1\n',
    })
    const { outputs, problems } = await bench.render({ ...generate, paths: ['apps'] })
    expect(problems).toEqual([])
    expect(outputs[0]?.text).toBe('x: 1\nx: 1\n2\n')
  })

  it('leave nothing behind, not even folders that they made read-only', async () => {
    bench.write({
      '.flux.yaml': commandFile('mkdir -p "$HOME/a/b" && touch "$HOME/a/b/c" && chmod -R a-w "$HOME" && echo "a: 1"'),
    })
    expect((await bench.render(generate)).problems).toEqual([])
  })

  it('that print much come in parts that can be parsed', async () => {
    bench.write({ '.flux.yaml': commandFile('for i in $(seq 9000); do echo "---"; echo "a: $i"; done') })
    const { outputs } = await bench.render(generate)
    expect(outputs.length).toBeGreaterThan(1)
    expect(
      outputs
        .map(({ text }) => text)
        .join('')
        .match(/^a: /gm),
    ).toHaveLength(9000)
  })
})

describe('without generation', () => {
  it('nothing of the repository runs and no checkout is made', async () => {
    const marker = join(bench.folder, 'ran')
    bench.write({
      '.flux.yaml': commandFile(`touch ${marker}`),
      'kustomization.yaml': 'resources: []',
      'x.yaml': configMap('x'),
    })
    expect(await bench.render({})).toEqual({ plainPaths: undefined, outputs: [], problems: [], warnings: [] })
    expect(await bench.render({ render: 'auto', paths: ['x.yaml'] })).toMatchObject({
      plainPaths: undefined,
      outputs: [],
    })
    expect(existsSync(marker)).toBe(false)
  })
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '')[0] !== 'Z'
  } catch {
    return false
  }
}
