import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { which } from '../../playground/tools/on-path.ts'
import { type Cast, createCast } from './cast.ts'
import { type Line, linesOf, pages } from './lines.ts'
import { notRun, runElsewhere } from './not-run.ts'
import { createReader, type Reader, type Typed } from './reader.ts'

const isElsewhere = ({ page, chapter }: Line): boolean => page in runElsewhere || `${page}#${chapter}` in runElsewhere
const isNotRun = ({ text }: Line): boolean => notRun.some(({ line }) => line === text)
const ours = pages.flatMap((page) => linesOf(page)).filter((line) => !isElsewhere(line) && !isNotRun(line))
const [readme, others] = [ours.filter(isOfReadme), ours.filter((line) => !isOfReadme(line))]
/** Images are known once they were scanned, and with a second source the short forms of many verbs are ambiguous. */
const [first, last] = ['docs/images.md', 'docs/sources.md']
/** The reference of verbs says much again that other pages say; what only looks is typed once. */
const guide = [
  ...others.filter(({ page }) => page === first),
  ...others.filter(({ page }) => page !== first && page !== last && page !== 'docs/cli.md'),
  ...others.filter(({ page }) => page === 'docs/cli.md').filter(isNew),
]
const shop = others.filter(({ page }) => page === last)

/** Exit codes that are not 0, as the guide says them: 2 a plan with changes, 4 no deploy key where the repository is not reached by ssh. */
const exits: Readonly<Record<string, number>> = {
  'npx capstan plan --ref my-branch': 2,
  'capstan plan --ref my-branch': 2,
  'capstan plan shop --ref my-branch': 2,
  'capstan identity': 4,
  'capstan identity -v': 4,
}

const endless = /--watch\b|--follow\b|^curl -N/
let reader: Reader
let cast: Cast

beforeAll(async () => {
  reader = createReader()
  cast = await createCast(reader)
})

afterAll(async () => {
  await reader?.leave()
  await cast?.stop()
})

/** Of the queue, as a reader copies it from `capstan queue ls`. */
async function jobOf(args: string): Promise<string> {
  return await until(`a job: ${args}`, async () => {
    const { stdout } = await reader.type(`capstan queue ls ${args} -o name`)
    return stdout.split('\n')[0]
  })
}

/** The line with what a reader puts in the place of the examples. */
async function asReader(text: string): Promise<string> {
  const { registry } = reader.playground()
  let line = text.replaceAll('/tmp/sample', `${reader.folder}/sample`).replaceAll('ghcr.io/me/', `${registry}/me/`)
  if (/\b4f5e6d7\b/.test(line)) line = line.replace('4f5e6d7', (await cast.git('rev-parse', 'HEAD')).slice(0, 7))
  if (/\bJOB\b/.test(line)) line = line.replace('JOB', await jobOf('--kind sync-source --state completed'))
  const [made, shell = ''] = /capstan completion (zsh|fish)/.exec(line) ?? []
  // not every machine has every shell: then the script is made, and nobody reads it
  if (made && !which(shell)) return made
  if (/completion zsh/.test(line)) line = `autoload -Uz compinit && compinit -D && ${line}`
  const [, verb = '', kind = ''] = /(\w+) ([\w-]+)\.abc123/.exec(line) ?? []
  if (kind === '') return line
  const state = verb === 'cancel' || verb === 'promote' ? 'delayed' : 'completed'
  return line.replace(/[\w-]+\.abc123/, await jobOf(`--kind ${kind} --state ${state}`))
}

function isOfReadme({ page }: Line): boolean {
  return page === 'README.md'
}

function isNew(line: Line, at: number, all: readonly Line[]): boolean {
  const same = ({ text }: Line): boolean => text === line.text
  if (/suspend|resume|lock/.test(line.text)) return true
  return all.findIndex(same) === at && !others.some((one) => one.page !== line.page && same(one))
}

async function type({ text }: Line): Promise<Typed> {
  const at = /--dir \.|\$\(git rev-parse/.test(text) ? 'work' : '.'
  return await reader.type(await asReader(text), { endless: endless.test(text), at })
}

/** A delayed job may begin between the list of them and the verb; then the reader takes the next. */
async function promote(line: Line): Promise<Typed> {
  return await until(line.text, async () => {
    const typed = await type(line)
    if (typed.code !== 0) throw new Error(`exit ${typed.code}\n${typed.stdout}${typed.stderr}`)
    return typed
  })
}

async function check(line: Line): Promise<Typed> {
  const typed = await (line.text.startsWith('capstan queue promote ') ? promote(line) : type(line))
  const wanted = endless.test(line.text) ? [0, 130] : [exits[line.text] ?? 0]
  expect(wanted, `exit ${typed.code}\n${typed.stdout}${typed.stderr}`).toContain(typed.code)
  return typed
}

const titled = (lines: Line[]) => lines.map((line) => [line.page, line.text, line] as const)

describe('the README, in the playground as it is', () => {
  it('begins with npm start', async () => {
    expect(readme[0]?.text).toBe('npm start')
    await reader.start('npm start', cast.flags)
    await cast.prepare()
  })

  it.each(titled(readme.slice(1)))('%s: %s', async (_page, text, line) => {
    if (text === 'npx capstan approve') await cast.replaceSample()
    await check(line)
    if (text.startsWith('npx capstan wait'))
      expect(await cast.kubectl('get deployment web -n shop -o jsonpath={.spec.replicas}')).toBe('3')
    if (text === 'npx capstan approve') {
      const left = async () => await cast.kubectl('get deployments -n shop -o name')
      await until('what was approved is deleted', async () => (await left()) === '')
    }
  })
})

/** What shows that a line did what its page says. */
const proofs: Readonly<Record<string, (typed: Typed) => Promise<void>>> = {
  'ln -s "$(command -v capstan)" ~/bin/fluxctl': async () => {
    expect((await reader.type('~/bin/fluxctl list-workloads --help')).stdout).toContain('fluxctl list-workloads')
  },
  'capstan sink test team': async () => expect(cast.told).toContain('/slack'),
  'capstan sink replay audit --since 48h': async () => {
    await until('audit is told', async () => cast.told.includes('/audit/capstan'))
  },
  [`printf images | openssl dgst -sha256 -hmac "$(cat webhook-secret)" | sed 's/.* //'`]: async ({ stdout }) => {
    const body = JSON.stringify({ repository: { repo_name: 'me/web' }, push_data: { tag: '1.4.2' } })
    const headers = { 'content-type': 'application/json' }
    const url = `${reader.playground().apiUrl}/hooks/v1/images/push/`
    const status = async (key: string) => (await fetch(url + key, { method: 'POST', body, headers })).status
    expect([await status(stdout.trim()), await status('0'.repeat(64))]).toEqual([202, 401])
  },
  'capstan release --workload demo:deployment/web --update-image ghcr.io/me/web:1.4.2 -m "as agreed"': async () => {
    await cast.git('pull', '--quiet', '--rebase', 'origin', 'main')
    expect(await cast.git('show', 'HEAD:cluster/web.yaml')).toContain('me/web:1.4.2')
  },
  'capstan helm rollback podinfo 3': async () => {
    await until('it is rolled back', async () => {
      const { stdout } = await reader.type('capstan releases')
      return /^demo\/podinfo .*rolled back to revision 3/m.test(stdout)
    })
    const { code, stdout } = await reader.type('capstan wait release/demo/podinfo --timeout 20s')
    expect([code, stdout]).toEqual([1, expect.stringContaining('RolledBack')])
  },
}

describe('the other pages, with what they are about', () => {
  beforeAll(async () => {
    await cast.settle()
  })

  it.each(titled(guide))('%s: %s', async (_page, text, line) => {
    if (/cancel sync-release/.test(text)) await cast.addBroken()
    const typed = await check(line)
    await proofs[text]?.(typed)
    if (/promote sync-release/.test(text)) await cast.removeBroken()
    if (/capstan.dev\/rollback-/.test(text)) await cast.isReady()
  })
})

describe('Sources, with one more', () => {
  beforeAll(async () => {
    await cast.addShop()
  })

  it.each(titled(shop))('%s: %s', async (_page, _text, line) => {
    await check(line)
  })
})
