import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root as checkout } from '../dockerfile.ts'
import type { Builder, Ended } from './buildah.ts'

/** One thing that was looked at; `problem` when it is not as it should be. */
export type Finding = { what: string; problem?: string }

type Running = Awaited<ReturnType<Builder['start']>>

/** Compressed, in mebibytes (W31). */
const mostMebibytes = 300

/** What generators, encrypted repositories, helm and git need, and how each says that it is there. */
const programs: [string, string[], RegExp][] = [
  ['node', ['node', '--version'], /^v24\./],
  ['git', ['git', '--version'], /^git version 2\./],
  ['helm', ['helm', 'version', '--short'], /^v3\./],
  ['kubectl', ['kubectl', 'version', '--client'], /Client Version: v1\./],
  ['kustomize', ['kustomize', 'version'], /v5\./],
  ['sops', ['sops', '--version', '--disable-version-check'], /^sops 3\./],
  ['gpg', ['gpg', '--version'], /^gpg \(GnuPG\) 2\./],
  ['ssh', ['ssh', '-V'], /OpenSSH/],
  ['ssh-keygen', ['bash', '-c', 'ssh-keygen -t ed25519 -N "" -q -f /tmp/key && echo made'], /^made$/m],
  ['bash with pipefail', ['bash', '-o', 'pipefail', '-c', 'false | true; echo $?'], /^1$/m],
  ['envsubst', ['bash', '-c', "echo 'a $B' | B=c envsubst"], /^a c$/m],
  ['git-secret', ['git', 'secret', '--version'], /^0\./m],
  ['setpriv and prlimit', ['bash', '-c', 'command -v setpriv prlimit'], /setpriv\n.*prlimit/],
]

/** Looks at the image's configuration, its size, and what runs in it as its own user. */
export async function* check(builder: Builder, name: string, folder: string): AsyncGenerator<Finding> {
  yield* configuration(await builder.inspect(name))
  yield* await size(builder, name, join(folder, 'pushed'))
  const running = await builder.start(name)
  yield said('nobody is who runs it', await running.run(['id', '-u']), /^65534$/m)
  for (const [what, command, expected] of programs) yield said(what, await running.run(command), expected)
  yield* program(running)
  for (const path of [
    'usr/local/bin/npm',
    'usr/local/lib/node_modules',
    'opt/capstan/node_modules',
    'opt/capstan/src',
  ]) {
    const isThere = statSync(join(running.root, path), { throwIfNoEntry: false })
    yield { what: `no ${path}`, ...(isThere ? { problem: 'it is in the image' } : {}) }
  }
}

/** The program itself, from its bundle. */
async function* program({ run }: Running): AsyncGenerator<Finding> {
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string }
  yield said(
    'capstan --version',
    await run(['capstan', '--version']),
    new RegExp(`^${version.replaceAll('.', '\\.')}$`, 'm'),
  )
  yield said('capstan version', await run(['capstan', 'version', '--client']), /^client \d/m)
  yield whatCheckSays(await run(['capstan', 'check', '--redis-url=redis://127.0.0.1:1', ...everything]))
  yield* withStack(run)
  yield said('capstan run --help', await run(['capstan', 'run', '--help']), /--git-url/)
  const wrong = await run(['capstan', 'run', '--git-ulr=x'])
  yield said('capstan run names a misspelt flag', wrong, /did you mean --git-url/, 2)
}

/** Flags that ask for every program. */
const everything = ['--git-url=git@a:b', '--kustomize', '--sops', '--git-secret', '--git-signing-key=A']

/** Without a cluster and a Redis these two are missing, and nothing else. */
function whatCheckSays({ code, output }: Ended): Finding {
  const what = 'capstan check finds every program, and neither cluster nor Redis'
  // buildah adds lines of its own when a command ends with an exit code
  const lines = output.split('\n').filter((line) => /^(ok|warn|bad) /.test(line))
  const wrong = lines.filter(
    (line) => !line.startsWith('ok ') && !/^bad +(.*kubeconfig|Redis does not answer)/.test(line),
  )
  const isRight = code === 1 && wrong.length === 0 && lines.filter((line) => line.startsWith('bad')).length === 2
  return isRight ? { what } : { what, problem: `exit ${code}: ${output}` }
}

/** Where tests have a cluster and a Redis already. */
async function* withStack(run: Running['run']): AsyncGenerator<Finding> {
  const file = process.env.CAPSTAN_TEST_STACK
  if (!file) return
  const { kubeconfig, redisUrl } = JSON.parse(readFileSync(file, 'utf8')) as { kubeconfig: string; redisUrl: string }
  const flags = ['--kubeconfig=/tmp/stack/config', `--redis-url=${redisUrl}`, '--redis-prefix={image-test}']
  const copied = mkdtempSync(join(tmpdir(), 'capstan-image-stack-'))
  chmodSync(copied, 0o755)
  copyFileSync(kubeconfig, join(copied, 'config'))
  chmodSync(join(copied, 'config'), 0o644)
  const ended = await run(['capstan', 'check', ...flags], [`${copied}:/tmp/stack:ro`])
  rmSync(copied, { recursive: true })
  yield said('capstan check on a real cluster', ended, /^ok +Kubernetes v1\./m)
}

function said(what: string, { code, output }: Ended, expected: RegExp, wanted = 0): Finding {
  if (code === wanted && expected.test(output)) return { what }
  return { what, problem: `exit ${code}: ${output.trim().slice(0, 500)}` }
}

function* configuration({ OCIv1 }: Awaited<ReturnType<Builder['inspect']>>): Generator<Finding> {
  const { User, Entrypoint, Cmd, Labels } = OCIv1.config
  const seen = JSON.stringify({ User, Entrypoint, Cmd })
  const wanted = JSON.stringify({ User: '65534:65534', Entrypoint: ['tini', '--', 'capstan'], Cmd: ['run'] })
  yield { what: 'user, entry point and command', ...(seen === wanted ? {} : { problem: seen }) }
  const missing = ['title', 'description', 'licenses', 'version'].filter(
    (key) => !Labels[`org.opencontainers.image.${key}`],
  )
  yield { what: 'labels', ...(missing.length === 0 ? {} : { problem: `without ${missing.join(', ')}` }) }
}

async function size(builder: Builder, name: string, folder: string): Promise<Finding[]> {
  mkdirSync(folder, { recursive: true })
  await builder.push(name, folder)
  const layers = readdirSync(folder).filter((file) => /^[0-9a-f]{64}$/.test(file))
  const sizes = layers.map((file) => statSync(join(folder, file)).size / 1024 / 1024).toSorted((a, b) => b - a)
  const total = sizes.reduce((sum, one) => sum + one, 0)
  const what = `${total.toFixed(0)} MiB compressed, in layers of ${sizes.map((one) => one.toFixed(1)).join(', ')}`
  return [{ what, ...(total > mostMebibytes ? { problem: `more than ${mostMebibytes}` } : {}) }]
}
