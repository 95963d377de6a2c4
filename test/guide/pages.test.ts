import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { parseFlags } from '../../playground/flags.ts'
import { ownSummaries } from '../../src/cli/own-commands.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { runCapstan } from '../e2e/capstan.ts'
import { kubectl } from '../packaging/chart.ts'
import { linesOf, pages, textOf } from './lines.ts'
import { notRun, runElsewhere } from './not-run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const lines = pages.flatMap((page) => linesOf(page))

/** What a link of a page may end with: the titles, as forges write them. */
function anchorsOf(page: string): string[] {
  const text = textOf(page).replaceAll(/^```[\s\S]*?^```$/gm, '')
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  )
}

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

const program = buildProgram(new Command('capstan'), {
  out: { write() {} },
  err: { write() {} },
  version: '0.0.0',
  commands: Object.entries(ownSummaries).map(([name, summary]) => ({ name, summary, run: async () => 0 })),
  contextFor: () => expect.fail('nothing is asked'),
  readInput: async () => '',
  keys: () => expect.fail('nobody is here'),
  yaml: async () => expect.fail('nothing is read'),
  end() {},
})

/** Verbs that a page names in its text. */
const inText = pages.flatMap((page) =>
  [
    ...textOf(page)
      .replaceAll(/```[\s\S]*?```/g, '')
      .matchAll(/`(?:npx )?(capstan (?!-)[^`\n]*)`/g),
  ].map(([, line = '']) => {
    const words = line.split(' ').slice(1)
    const end = words.findIndex((word) => !/^[a-z]+(-[a-z]+)*$/.test(word))
    return [page, line, end < 0 ? words : words.slice(0, end)] as const
  }),
)

const objects = pages.flatMap((page) =>
  [...textOf(page).matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    parseAllDocuments(block)
      .map((document) => document.toJS() as { kind?: string; metadata?: { name?: string } } | null)
      .flatMap((one) =>
        one && ['Source', 'HelmRelease'].includes(one.kind ?? '') && one.metadata?.name !== undefined
          ? [[`${page}: ${one.kind} ${one.metadata.name}`, one] as const]
          : [],
      ),
  ),
)

beforeAll(async () => {
  for (const name of ['source', 'helmrelease'])
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', join(root, `charts/capstan/crds/${name}.yaml`)])
})

describe('the guide', () => {
  it.each(pages)('%s leads only to files and chapters that are there', (page) => {
    for (const [link, target = '', anchor] of textOf(page).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)/g)) {
      const file = target === '' ? page : join(dirname(page), target)
      expect(existsSync(join(root, file)), `${link}: there is no ${file}`).toBe(true)
      if (anchor !== undefined && statSync(join(root, file)).isFile())
        expect(anchorsOf(file), `${link}: there is no such chapter`).toContain(anchor)
    }
  })

  it('can be reached from the README, each page of it', () => {
    const linked = (page: string): string[] =>
      [...textOf(page).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => join(dirname(page), to))
    const direct = new Set(linked('README.md'))
    for (const page of pages.filter((one) => one.startsWith('docs/') && !one.startsWith('docs/decisions/')))
      expect(direct, page).toContain(page)
    expect(direct).toContain('docs/decisions/')
    const near = [...direct].filter((page) => pages.includes(page)).flatMap(linked)
    for (const page of pages.filter((one) => one.startsWith('playground/examples/')))
      expect([...direct, ...near], page).toContain(page)
  })

  it('has objects', () => expect(objects.length).toBeGreaterThan(2))

  it.each(objects)('%s is taken by the API server', async (_name, object) => {
    const one = { ...object, metadata: { ...object.metadata, namespace: 'default' } }
    await kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(one))
  })
})

describe('the commands of the guide', () => {
  it('are many', () => expect(lines.length).toBeGreaterThan(150))

  it.each(pages)('%s: they stand in blocks that say so', (page) => {
    const others = textOf(page)
      .replaceAll(/^ *```(?:sh|bash|console|shell|yaml|text)\n[\s\S]*?^ *```$/gm, '')
      .match(/^ *(?:\$ )?(?:npm|npx|capstan|fluxctl|kubectl|helm|git|docker|curl) [a-z-][^`\n]*$/gm)
    expect(others ?? []).toEqual([])
  })

  it.each(inText)('%s: there is `%s`', (_page, _line, words) => {
    let at: Command = program
    for (const word of words) {
      const next = at.commands.find((one) => one.name() === word || one.aliases().includes(word))
      // what takes an argument may be given any word
      if (!next && at !== program && at.registeredArguments.length > 0) return
      at = next ?? expect.fail(`there is no ${word} of ${at.name()}`)
    }
  })

  it.each(Object.entries(runElsewhere))('%s: its commands are typed by %s', (place, test) => {
    const [page = '', chapter] = place.split('#')
    expect(linesOf(page, chapter).length).toBeGreaterThan(0)
    // that test takes them from the page, so that it has every one
    expect(readFileSync(join(root, test), 'utf8')).toMatch(/\blinesOf\(/)
  })

  it.each(notRun.map(({ line }) => line))('a page has `%s`, which nobody runs', (line) => {
    expect(lines.map(({ text }) => text)).toContain(line)
  })

  it.each(notRun.map(({ line }) => line).filter((line) => line.startsWith('npm start -- ')))(
    '%s is understood',
    (line) => {
      expect(parseFlags(line.split(' ').slice(3), { cwd: root, root })).not.toHaveProperty('problems')
    },
  )

  it('npx capstan run: its flags are understood', async () => {
    const [line = ''] = notRun.map((one) => one.line).filter((one) => one.startsWith('npx capstan run '))
    const known = await runCapstan(['check', ...line.split(' ').slice(3)], { HOME: '/nonexistent' })
    const wrong = await runCapstan(['check', ...line.split(' ').slice(3), '--no-such-flag'], { HOME: '/nonexistent' })
    expect([known.code, known.stdout, wrong.code]).toEqual([1, expect.stringContaining('ok    git'), 2])
  })

  it('npm run: what is run is there', () => {
    const named = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\bnpm run ([a-z:]+)/g)].map(([, name = '']) => name),
    )
    for (const name of new Set(named)) expect(scripts).toHaveProperty([name])
  })

  it('capstan … --context: its flags are understood', async () => {
    const [line = ''] = notRun.map((one) => one.line).filter((one) => one.includes(' --context '))
    const env = { KUBECONFIG: '/nonexistent', CAPSTAN_URL: '', CAPSTAN_TOKEN: '' }
    const known = await runCapstan(line.split(' ').slice(1), env)
    const wrong = await runCapstan([...line.split(' ').slice(1), '--no-such-flag'], env)
    expect([known.code, wrong.code]).toEqual([6, 64])
  })

  it('docker build: the Dockerfile is where it looks', () => expect(existsSync(join(root, 'Dockerfile'))).toBe(true))
})
