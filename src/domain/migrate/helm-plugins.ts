import { listOf, type Raw, textOf } from '../../lib/raw.ts'
import type { OldFacts } from './old-facts.ts'
import { type Part, told } from './part.ts'

/** What the Helm Operator's chart had installed before it started (helm-operator, initPlugins): one container for each plugin. */
export function installsPlugin(container: Raw): Part | undefined {
  const [shell = '', flag = '', script = '', ...more] = listOf(container.command).map(textOf)
  const [, helm, plugin = '', version] =
    /^helm([23])? plugin install ([^\s;&|$`'"-]\S*?)(?: --version ([^\s;&|$`'"]+))?$/.exec(script.trim()) ?? []
  if (!/(^|\/)(ba)?sh$/.test(shell) || flag !== '-c' || more.length > 0 || plugin === '') return undefined
  const subject = `init container ${textOf(container.name)}`
  if (helm === '2') return told(subject, 'dropped', 'a plugin of helm 2, which is not supported')
  const text = `value initPlugins: Capstan runs the downloaders of ${plugin} alone, and nothing else of it`
  return told(subject, 'differs', text, [
    ['initPlugins.enable', true],
    ['initPlugins.plugins', [{ helmVersion: 'v3', plugin, ...(version ? { version } : {}) }]],
  ])
}

/** Whether such containers fill the folders of plugins. */
export function areFilledByInstallers({ old: { before } }: OldFacts): boolean {
  return before.some((container) => installsPlugin(container) !== undefined)
}
