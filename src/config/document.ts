import type { Flag } from './flag.ts'
import { flagGroups } from './flags.ts'

const introduction = `# Configuration

<!-- Made from src/config/flags/ by src/config/document.test.ts; \`npm run test:unit -- -u src/config\` writes it again. -->

\`capstan run\` takes these flags: \`--flag=value\`, \`--flag value\`, or with one dash; a switch as \`--switch\` or \`--switch=false\`;
a list by giving it again or with commas. Times are Go durations such as \`30s\`, \`5m\` or \`1m30s\`. Flags go before
environment variables, and those before the file named by \`--config-file\`, a YAML map of flags without their dashes.
All problems are listed at once, with exit code 2 (1 for a \`--git-path\` that begins with a slash, as fluxd).

fluxd's and the Helm Operator's flags keep their names and defaults. Those marked *no effect* are accepted,
and a warning at the start names the ones that were given.

Git over https logs in with \`--git-https-username\` (or \`GIT_AUTHUSER\`) and the token in \`--git-https-token-file\`, \`GIT_AUTHKEY\` or
\`CAPSTAN_GIT_TOKEN\`; a password in \`--git-url\` itself, percent-encoded, goes before those variables; over ssh with \`--git-ssh-key-file\` and \`--git-ssh-known-hosts-file\`, or the deploy key of fluxd's Secret.
`

/** docs/configuration.md, whole. */
export function configurationDocument(): string {
  const groups = Object.entries(flagGroups).map(([title, group]) => `\n## ${title}\n\n${table(group)}`)
  return `${introduction}${groups.join('')}`
}

function table(group: Record<string, Flag>): string {
  const rows = Object.entries(group).map(([name, flag]) => {
    const names = [
      `\`--${name}\``,
      ...(flag.short ? [`\`-${flag.short}\``] : []),
      ...(flag.env ?? []).map((one) => `\`${one}\``),
    ]
    return `| ${names.join(', ')} | ${typeOf(flag)} | ${defaultOf(flag)} | ${meaning(flag)} |\n`
  })
  return `| flag, environment | type | default | meaning |\n| --- | --- | --- | --- |\n${rows.join('')}`
}

function typeOf(flag: Flag): string {
  if (flag.type === 'choice' || (flag.type === 'list' && flag.choices)) {
    const words = (flag.choices ?? []).filter((choice) => choice !== '').map((choice) => `\`${choice}\``)
    return `${flag.type === 'list' ? 'list of ' : ''}${words.join(', ')}`
  }
  return flag.type
}

function defaultOf(flag: Flag): string {
  if (flag.defaultDoc) return flag.defaultDoc
  const text = Array.isArray(flag.default) ? flag.default.join(',') : String(flag.default)
  return text === '' ? '' : `\`${text}\``
}

function meaning({ doc, state, why = '' }: Flag): string {
  return state ? `${doc} *No effect: ${why}.*` : doc
}

/** What `capstan run --help` prints: every flag that works, then where the rest is. */
export function helpText(): string {
  const groups = Object.entries(flagGroups as Record<string, Record<string, Flag>>).map(
    ([title, group]) => `${title}:\n${helpLines(group)}`,
  )
  const head =
    'Usage: capstan run [flags]\n\nKeeps a cluster equal to git: controller, worker and API in one process.\n'
  const example = '  capstan run --git-url=https://github.com/you/cluster --git-branch=main --git-path=deploy'
  return `${head}\nExample:\n${example}\n\n${groups.join('\n')}\nMore, and flags that are accepted without effect: docs/configuration.md\n`
}

function helpLines(group: Record<string, Flag>): string {
  const lines = Object.entries(group)
    .filter(([, { state }]) => !state)
    .map(([name, flag]) => {
      const left = `${flag.short ? `-${flag.short}, ` : '    '}--${name}${flag.type === 'switch' ? '' : ` ${flag.type}`}`
      const normal = defaultOf(flag).replaceAll('`', '')
      return `  ${left.padEnd(40)} ${flag.doc}${normal ? ` (default ${normal})` : ''}\n`
    })
  return lines.join('')
}
