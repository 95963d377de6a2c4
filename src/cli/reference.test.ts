import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { verbs } from './fluxctl/verbs.ts'
import { ownSummaries } from './own-commands.ts'
import { buildProgram } from './program.ts'

const program = buildProgram(new Command('capstan'), {
  out: { write() {} },
  err: { write() {} },
  version: '0.0.0',
  commands: Object.entries(ownSummaries).map(([name, summary]) => ({ name, summary, run: async () => 0 })),
  contextFor() {
    throw new Error('nothing is asked')
  },
  readInput: async () => '',
  keys() {
    throw new Error('nobody is here')
  },
  yaml: async () => {
    throw new Error('nothing is read')
  },
  end() {},
})

/** Verbs that read their own flags. */
const own = new Set(Object.keys(ownSummaries))

function verbsOf(command: Command): Command[] {
  const visible = command.createHelp().visibleCommands(command)
  return visible.filter((one) => one.name() !== 'help').flatMap((one) => [one, ...verbsOf(one)])
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name()
}

function helpOf(command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: (more) => (text += more), getOutHelpWidth: () => 110 }).outputHelp()
  return text.trimEnd()
}

const all = verbsOf(program).filter((command) => !own.has(command.name()) || command.parent?.parent)

const intro = `# Commands

What \`--help\` says of each verb, on one page. It is made from the program and checked against it.

Every verb takes the flags of [capstan](#capstan) too. Verbs that list print \`-o table\`, a wider table, JSON, YAML or names, and show
it again with \`--watch\` when something happened. \`run\`, \`check\`, \`install\`, \`migrate\` and \`eject\` have pages of their own:
[configuration](configuration.md), [the chart](chart.md), [moving](migrating.md).

## Completion

\`\`\`sh
source <(capstan completion bash)    # in ~/.bashrc
source <(capstan completion zsh)     # in ~/.zshrc, after compinit
capstan completion fish | source     # in ~/.config/fish/config.fish
\`\`\`

Names of sources, releases, workloads and jobs come from the server; without one there are none, and no error.

## Called fluxctl

Called \`fluxctl\`, by a link or as the second name in \`package.json\` and in the image, the program is fluxctl 1.25: its verbs
(${verbs
  .map(({ name }) => `\`${name}\``)
  .toSorted()
  .join(
    ', ',
  )}), flags, environment variables, tables, texts and exit codes (0 and 1), with a port forwarded to the pod when no URL is
given. Two differences: \`version\` is Capstan's, and \`install\` writes the manifests of Capstan, for which it needs helm.
`

describe('the reference of commands', () => {
  it('is what the program says (mend: npm run test:unit -- -u src/cli)', async () => {
    const sections = [program, ...all].map(
      (command) => `## ${nameOf(command)}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`,
    )
    await expect([intro, ...sections].join('\n')).toMatchFileSnapshot('../../docs/cli.md')
  })

  it.each(all.map((command) => [nameOf(command), command] as const))('%s has examples', (_name, command) => {
    expect(helpOf(command)).toMatch(/\nExamples:\n(?: {2}.*capstan .*\n?)+$/)
    expect(command.description()).not.toBe('')
  })
})
