import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchAgent } from '../gpg/workshop.ts'
import { commandFile, configMap, path, startWorkbench, type Workbench } from './workbench.ts'

let bench: Workbench
let gnupgHome: string
let work: string
const hidden = configMap('hidden').trim()

/** Somebody who works on the repository. */
function sh(script: string): void {
  const env = { PATH: path(), HOME: bench.folder, GNUPGHOME: gnupgHome }
  const { status, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', script], { env, cwd: work, input: hidden })
  if (status !== 0) throw new Error(stderr.toString())
}

beforeAll(async () => {
  bench = await startWorkbench()
  // Short, because gpg puts its sockets there.
  gnupgHome = mkdtempSync(join(tmpdir(), 'gpg-'))
  work = mkdtempSync(join(bench.folder, 'work-'))
  launchAgent(gnupgHome)
  sh(`gpg --batch --quiet --passphrase '' --quick-generate-key flux@example.com default default never
      git init --quiet --initial-branch=main .
      git-secret init >/dev/null && git-secret tell flux@example.com >/dev/null
      mkdir apps && cat > apps/hidden.yaml && printf 'password=x' > value.txt
      git-secret add apps/hidden.yaml value.txt >/dev/null && git-secret hide >/dev/null
      rm apps/hidden.yaml value.txt`)
  writeFileSync(join(work, 'apps/plain.yaml'), configMap('plain'))
})
beforeEach(() => {
  bench.adopt(work)
})
afterEach(() => {
  expect(bench.leftovers()).toEqual([])
  sh('git checkout --quiet . && git clean -qfd')
})
afterAll(async () => {
  sh('gpgconf --kill all')
  rmSync(gnupgHome, { recursive: true, force: true })
  await bench.close()
})

/** Changes the repository for one test. */
function change(files: Record<string, string>): () => void {
  for (const [name, text] of Object.entries(files)) {
    sh(`mkdir -p "$(dirname '${name}')"`)
    writeFileSync(join(work, name), text)
  }
  bench.adopt(work)
  return () => sh('git reset --quiet --hard HEAD~1')
}

describe('git-secret', () => {
  it('decrypts before files are read, beside those that were plain', async () => {
    expect(await bench.render({ gitSecret: true, paths: ['apps'] }, { gnupgHome })).toEqual({
      plainPaths: [],
      outputs: [
        { file: 'apps/hidden.yaml', text: hidden, generated: false },
        { file: 'apps/plain.yaml', text: configMap('plain'), generated: false },
      ],
      problems: [],
      warnings: [],
    })
  })

  it('decrypts before generators and kustomize run', async () => {
    const undo = change({
      'gen/.flux.yaml': commandFile('cat ../value.txt'),
      'kustomization.yaml': 'secretGenerator: [{name: x, envs: [value.txt]}]\n',
    })
    try {
      const generated = await bench.render({ gitSecret: true, generate: true, paths: ['gen'] }, { gnupgHome })
      expect(generated).toMatchObject({ plainPaths: [], problems: [], outputs: [{ text: 'password=x' }] })
      const built = await bench.render({ gitSecret: true, render: 'kustomize' }, { gnupgHome })
      expect(built.problems).toEqual([])
      expect(built.outputs[0]?.text).toContain(`password: ${Buffer.from('x').toString('base64')}`)
    } finally {
      undo()
    }
  })

  it('that has not the key is a problem; what is plain in git is still read from git', async () => {
    const rendered = await bench.render(
      { gitSecret: true, paths: ['apps'] },
      { gnupgHome: join(bench.folder, 'no-keys') },
    )
    expect(rendered).toMatchObject({
      plainPaths: undefined,
      outputs: [],
      problems: [
        { reason: 'GeneratorFailed', message: expect.stringMatching(/git-secret could not decrypt: exit code/) },
      ],
    })
  })

  it('that has not the key runs no generators, which might make less', async () => {
    const undo = change({ 'gen/.flux.yaml': commandFile('cat ../*.txt; true') })
    try {
      const rendered = await bench.render({ gitSecret: true, generate: true, paths: ['gen', 'apps'] }, {})
      expect(rendered).toMatchObject({ plainPaths: ['apps'], outputs: [], problems: [{ reason: 'GeneratorFailed' }] })
    } finally {
      undo()
    }
  })

  it('writes nothing outside, and runs nothing that the repository names', async () => {
    const canary = join(bench.folder, 'canary')
    for (const files of [
      { '.gitsecret/paths/mapping.cfg': `../../../canary:0\n` },
      { '.gitsecret/paths/mapping.cfg': `${canary}:0\n` },
      { '.gitsecret/paths/mapping.cfg': '.git/config:0\n' },
    ]) {
      const undo = change(files)
      const { problems } = await bench.render({ gitSecret: true }, { gnupgHome })
      undo()
      expect(problems[0]?.message).toMatch(/which no secret of a repository is called/)
    }
    const undo = change({
      '.gitsecret/keys/gpg.conf': `list-options show-photos\nphoto-viewer "touch ${canary}"\nno-such-option\n`,
      '.gitsecret/keys/common.conf': `use-keyboxd\nkeyboxd-program ${join(work, 'evil.sh')}\n`,
      'evil.sh': `#!/bin/sh\ntouch ${canary}\n`,
    })
    const { problems } = await bench.render({ gitSecret: true, paths: ['apps'] }, { gnupgHome })
    undo()
    expect(problems).toEqual([])
    expect(existsSync(canary)).toBe(false)
  })

  it('leaves nothing of a process that was killed', async () => {
    const { pid } = spawnSync('true')
    const left = join(bench.folder, 'checkouts', `checkout-${pid}-abc`, 'tree')
    mkdirSync(left, { recursive: true })
    writeFileSync(join(left, 'value.txt'), 'password=x')
    await bench.render({ gitSecret: true, paths: ['apps'] }, { gnupgHome })
    expect(existsSync(left)).toBe(false)
  })
})
