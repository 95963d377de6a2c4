import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stack } from '../stack/stack.ts'
import { argvOf, kubectl, objectsOf, podsOf } from './chart.ts'
import { root } from './dockerfile.ts'

const namespace = `capstan-manifests-${randomBytes(4).toString('hex')}`
const start = promisify(execFile)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-manifests-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false'])
  const wide = ['clusterrole', 'clusterrolebinding']
  for (const kind of wide) await kubectl(['delete', kind, `${namespace}-capstan`, '--ignore-not-found'])
})

/** `capstan install`, with the programs of the stack alone on PATH. */
async function install(args: readonly string[], path = stack().binDir): Promise<string> {
  const given = [join(root, 'bin/capstan.mjs'), 'install', ...args]
  const { stdout } = await start(process.execPath, given, { env: { PATH: path, HOME: folder }, maxBuffer: 2 ** 24 })
  return stdout
}

describe('capstan install', () => {
  it('writes what a cluster takes: the namespace first, the definitions, and no hook', async () => {
    const text = await install([
      '--namespace',
      namespace,
      '--git-url=https://a.example/b.git',
      '--git-path=x',
      '--prune',
    ])
    const objects = objectsOf(text)
    expect(objects[0]).toMatchObject({ kind: 'Namespace', metadata: { name: namespace } })
    expect(objects.filter(({ kind }) => kind === 'CustomResourceDefinition')).toHaveLength(2)
    expect(objects.map(({ kind }) => kind)).not.toContain('Job')
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], text)
    const { stdout } = await kubectl(['get', 'deployment,statefulset,secret', '-n', namespace, '-o', 'name'])
    expect(stdout.trim().split('\n').toSorted()).toEqual([
      'deployment.apps/capstan',
      'secret/capstan-api',
      'secret/capstan-redis',
      'statefulset.apps/capstan-redis',
    ])
    const argv = argvOf(podsOf(objects).get('all'))
    expect(argv).toEqual(
      expect.arrayContaining(['--git-path=x', '--sync-garbage-collection', `--namespace=${namespace}`]),
    )
  })

  it('takes every value of the chart; what is set goes before flags, and these before files', async () => {
    const file = join(folder, 'values.yaml')
    await writeFile(file, 'git: {url: https://file.example/a.git, branch: file, user: file}\nlogLevel: debug\n')
    const args = [
      '-f',
      file,
      '--git-branch=flag',
      '--git-url=https://flag.example/a.git',
      '--set',
      'git.url=https://set.example/a',
    ]
    const argv = argvOf(podsOf(objectsOf(await install(args))).get('all'))
    expect(argv).toEqual(
      expect.arrayContaining([
        '--git-url=https://set.example/a',
        '--git-branch=flag',
        '--git-user=file',
        '--log-level=debug',
        '--namespace=capstan-system',
      ]),
    )
  })

  it('leaves out what must not be committed, and is then the same each time', async () => {
    const text = await install(['--no-secrets'])
    expect(objectsOf(text).map(({ kind }) => kind)).not.toContain('Secret')
    expect(await install(['--no-secrets'])).toBe(text)
    expect(objectsOf(await install([])).filter(({ kind }) => kind === 'Secret')).toHaveLength(2)
  })

  it.each([
    ['a value that there is not', ['--set', 'git.ulr=x'], 1, /ulr/],
    ['a flag that there is not', ['--git-ulr=x'], 64, /unknown option '--git-ulr=x'.*--git-url/s],
    ['a file that is not there', ['-f', 'nowhere.yaml'], 1, /nowhere\.yaml/],
    ['a helm that is not there', ['--helm-binary=nowhere'], 1, /nowhere is not found: install helm 3.*docker run/],
  ])('says what is wrong with %s', async (_what, args, code, stderr) => {
    await expect(install(args)).rejects.toMatchObject({ code, stderr: expect.stringMatching(stderr) })
  })
})
