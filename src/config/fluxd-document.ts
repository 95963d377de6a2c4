import type { Flag } from './flag.ts'
import { fluxdFlags } from './flags/fluxd.ts'
import { type Difference, fluxdDifferences } from './fluxd-differences.ts'

const introduction = `# fluxd's flags

<!-- Made from src/config/ by src/config/fluxd-document.test.ts; \`npm run test:unit -- -u src/config\` writes it again. -->

Every flag of fluxd 1.25 is accepted, with its name, its type and its default. An args list that fluxd had can be given as it is;
flags that have no effect are named in one warning at the start. [Coming from fluxd](coming-from-fluxd.md) says in plain words
what else is different, [configuration](configuration.md) lists all flags.

- *same*: it does what it did.
- *differs*: it works, and what it means has changed.
- *replaced*: it has no effect; something else does its work.
- *not applicable*: it has no effect, and there is nothing left for it to do.

`

/** docs/fluxd-flags.md, whole. */
export function fluxdDocument(): string {
  const rows = Object.entries(fluxdFlags as Record<string, Flag>).map(([name, flag]) => {
    const difference = fluxdDifferences[name as keyof typeof fluxdFlags]
    return `| \`--${name}\` | ${defaultOf(flag)} | ${becameOf(flag, difference)} | ${sayingOf(flag, difference)} |\n`
  })
  return `${introduction}| flag | default | in Capstan | what to know |\n| --- | --- | --- | --- |\n${rows.join('')}`
}

/** One word or two for what became of a flag. */
export function becameOf({ state }: Flag, { by, differs }: Difference): string {
  if (state === 'ignored') return by === undefined ? 'not applicable' : `replaced by \`${by}\``
  return differs ? 'differs' : 'same'
}

/** What is said about a flag: why it does not work, and what to know. */
export function sayingOf({ state, why }: Flag, { by, note }: Difference): string {
  if (state === undefined || by !== undefined) return note
  const reason = why ? `${why.charAt(0).toUpperCase()}${why.slice(1)}.` : ''
  return [reason, note].filter((part) => part !== '').join(' ')
}

/** The default as code; nothing where it is empty. */
export function defaultOf({ default: value }: Flag): string {
  const text = Array.isArray(value) ? value.join(',') : String(value)
  return text === '' ? '' : `\`${text}\``
}
