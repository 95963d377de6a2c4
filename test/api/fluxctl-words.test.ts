import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fluxctl } from '../../src/main/fluxctl.ts'
import { createFluxctl, createOwnFluxctl } from './fluxctl.ts'

const verbs = [
  'automate',
  'completion',
  'deautomate',
  'identity',
  'install',
  'list-images',
  'list-workloads',
  'lock',
  'policy',
  'release',
  'save',
  'sync',
  'unlock',
  'version',
]

/** Command lines that end before a server is asked, or because none is there. */
const lines = [
  '',
  '--help',
  '-h',
  'help',
  'help release',
  'help list-controllers',
  'help relase me',
  ...verbs.map((verb) => `${verb} --help`),
  'list-controllers -h',
  'relase',
  'l',
  'un',
  'nothing',
  'foo --help',
  '--nope version',
  '-u',
  '-t',
  '--k8s-fwd-ns list-workloads',
  'version extra',
  'version --url',
  'version -vvv',
  'completion',
  'completion tcsh',
  'completion bash zsh',
  'list-workloads extra',
  'list-workloads --nope',
  'list-workloads --=x',
  'list-workloads ---x',
  'list-workloads -z',
  'list-workloads -ax',
  'list-workloads -o',
  'list-workloads -o=xml',
  'list-workloads -oxml',
  'list-workloads -a=maybe',
  'list-workloads -a=false -n',
  'list-workloads --timeout=5',
  'list-workloads --timeout=5x',
  'list-workloads --timeout=soon',
  'list-workloads --k8s-fwd-labels=x',
  'list-workloads -- -a',
  'list-workloads',
  'list-workloads -an nowhere',
  'list-images --limit=many',
  'list-images -w a:b/c -c a:b/c',
  'list-images -w nonsense',
  'list-images -l -1 -o json extra',
  'release',
  'release --all',
  'release --all -i a:1 --update-all-images',
  'release -i a:1',
  'release --all -i a:1 --dry-run --watch',
  'release --all --update-all-images --force',
  'release --all -i a:1 --force',
  'release --workload a:b/c --update-all-images -f',
  'release -c a:b/c -c d:e/f,g:h/i -i a:1',
  'release --all -i nonsense',
  'release --all -i Foo:1:2',
  'release --all -i /foo:1',
  'release --all -i foo@sha256:',
  'release --workload nonsense -i a:1',
  'release --all -i a:1 --exclude nonsense',
  'policy',
  'policy -w nonsense',
  'policy -w a:b/c -c a:b/c',
  'policy -w deployment/x --automate --deautomate',
  'policy -w deployment/x --lock --unlock',
  'policy -w deployment/x --tag nonsense',
  'policy -w deployment/x --tag a=b=c',
  'policy -w deployment/x --tag a=b,nonsense',
  'automate',
  'automate -c a:b/c',
  'automate -w a/b -c c/d',
  'lock extra',
  'lock -vx',
  'unlock -w nonsense',
  'save extra',
  'save -o',
  'identity extra',
  'sync extra',
  'sync -n',
]

/** Ours without a process of its own, which takes longer to start than all of this. */
async function inProcess(env: Record<string, string>, args: readonly string[]) {
  let [stdout, stderr] = ['', '']
  const out = { write: (text: string) => (stdout += text) }
  const err = { write: (text: string) => (stderr += text) }
  const given = { out, err, version: '9.9.9', signal: new AbortController().signal }
  const home = { PATH: process.env.PATH ?? '', HOME: '/nowhere', GIT_DIR: '/nowhere', GIT_CONFIG_COUNT: '2' }
  const author = { GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'Ada Lovelace' }
  const mail = { GIT_CONFIG_KEY_1: 'user.email', GIT_CONFIG_VALUE_1: 'ada@example.com' }
  const code = await fluxctl(given, { ...home, ...author, ...mail, ...env }).run(args)
  return { code, stdout, stderr }
}

describe('the program, when it is called fluxctl, and fluxctl 1.25', () => {
  // nobody listens there
  const env = { FLUX_URL: 'http://127.0.0.1:3/api/flux' }
  const [theirs, ours] = [createFluxctl(env), createOwnFluxctl(env)]
  const folder = mkdtempSync(join(tmpdir(), 'capstan-save-'))
  afterAll(() => {
    theirs.stop()
    ours.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it.each(lines)('say the same to `fluxctl %s`', async (line) => {
    const args = line.split(' ').filter(Boolean)
    expect(await inProcess(env, args)).toEqual(await theirs.run(...args))
  })

  it('differ in their version only', async () => {
    expect(await theirs.run('version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^1\.25\.\d+\n$/) })
    expect(await ours.run('version')).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })

  it.each([
    ['without a kubeconfig', { KUBECONFIG: '/nowhere/config' }],
    ['with a label that no pod has', { FLUX_FORWARD_LABELS: 'app=none-such', FLUX_FORWARD_NAMESPACE: 'none-such' }],
    [
      'with an unusual token and no URL',
      { FLUX_URL: 'http://127.0.0.1:3', FLUX_SERVICE_TOKEN: 'a', FLUX_TIMEOUT: 'x' },
    ],
  ])('end %s with the same code', async (_name, more) => {
    const [one, other] = [createFluxctl(more), createOwnFluxctl(more)]
    const [expected, got] = [await one.run('list-workloads', '-a'), await other.run('list-workloads', '-a')]
    one.stop()
    other.stop()
    expect({ ...got, stderr: '' }).toEqual({ ...expected, stderr: '' })
    if (!('KUBECONFIG' in more)) expect(got.stderr).toBe(expected.stderr)
    else expect(got.stderr).toMatch(/^Error: Could not load kubernetes configuration file: /)
  })
})
