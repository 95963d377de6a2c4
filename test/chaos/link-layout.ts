import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { marker } from './chart-world.ts'
import type { Random } from './random.ts'

/** Files that must not be read, and folders of them, each outside of every repository. */
export function makeOutside(folder: string): void {
  const chart = `apiVersion: v2\nname: sub\nversion: 1.0.0\ndescription: ${marker}\n`
  const map = `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: outside}\ndata: {outside: ${marker}}\n`
  const definition = `apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: ${marker}}\n`
  write(join(folder, 'secret.yaml'), `outside: ${marker}\n`)
  write(join(folder, 'lock.yaml'), `dependencies: [{name: sub, version: 1.0.0, repository: ${marker}}]\n`)
  write(join(folder, 'schema.json'), `{"title": "${marker}", "type": "object"}`)
  write(join(folder, 'templates/map.yaml'), map)
  write(join(folder, 'crds/definition.yaml'), definition)
  write(join(folder, 'sub/Chart.yaml'), chart)
  write(join(folder, 'sub/templates/map.yaml'), map)
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

/** Prints all that a chart can see of itself: values, files, and its own description. */
const everything = `apiVersion: v1
kind: ConfigMap
metadata: {name: everything}
data:
  all: |
{{ toYaml .Values | indent 4 }}
{{ toYaml .Chart | indent 4 }}
{{ range $path, $_ := .Files.Glob "**" }}{{ $.Files.Get $path | indent 4 }}
{{ end }}`

/** Where in a chart a link may stand, and what outside would fit there. */
const places: readonly (readonly [place: string, outside: string])[] = [
  ['Chart.lock', 'lock.yaml'],
  ['requirements.yaml', 'lock.yaml'],
  ['requirements.lock', 'lock.yaml'],
  ['values.yaml', 'secret.yaml'],
  ['values.schema.json', 'schema.json'],
  ['crds', 'crds'],
  ['crds/definition.yaml', 'crds/definition.yaml'],
  ['templates/map.yaml', 'templates/map.yaml'],
  ['templates/_helpers.tpl', 'secret.yaml'],
  ['templates/NOTES.txt', 'secret.yaml'],
  ['templates/more', 'templates'],
  ['charts', ''],
  ['charts/sub', 'sub'],
  ['charts/sub/Chart.yaml', 'sub/Chart.yaml'],
  ['charts/sub/values.yaml', 'secret.yaml'],
  ['charts/sub/templates', 'sub/templates'],
  ['files/secret.yaml', 'secret.yaml'],
  ['files', ''],
  ['.helmignore', 'secret.yaml'],
  ['README.md', 'secret.yaml'],
  ['prod.yaml', 'secret.yaml'],
]

/** How a link leads to a file outside, seen from where it stands. */
function targetTo(random: Random, { link, outside, root }: { link: string; outside: string; root: string }): string {
  const climb = '../'.repeat(random.between(8, 20))
  return random.pick([
    () => outside,
    () => `${climb}${outside.slice(1)}`,
    () => relative(dirname(link), outside),
    () => `/proc/self/root${outside}`,
    () => `${relative(dirname(link), root) || '.'}/../.././../${climb}${outside.slice(1)}`,
    () => `./${climb}.${outside}`,
    () => '/etc/passwd',
  ])()
}

/**
 * A chart in a folder of a work tree, with links out of the repository in some of its places, directly or over other links, beside
 * links that are honest. Gives the path of the chart: the folder, or a link to it.
 */
export function makeLayout(
  random: Random,
  { root, name, outside }: { root: string; name: string; outside: string },
): string {
  const chart = join(root, name)
  write(join(chart, 'Chart.yaml'), `apiVersion: v2\nname: app\nversion: 0.1.0\n`)
  write(join(chart, 'templates/everything.yaml'), everything)
  write(join(root, 'shared/inside.txt'), 'marker-inside\n')
  symlinkSync('../shared/inside.txt', join(chart, 'honest.txt'))
  const chosen = places.filter(() => random.next() < 0.4)
  for (const [place, what] of chosen.length > 0 ? chosen : [random.pick(places)]) {
    const link = join(chart, place)
    if (chosen.some(([other]) => place.startsWith(`${other}/`))) continue
    mkdirSync(dirname(link), { recursive: true })
    plant(random, { link, root, outside: join(outside, what) })
  }
  if (random.next() < 0.3) symlinkSync(random.pick(['.', '..', 'loop', '/']), join(chart, 'loop'))
  if (random.next() < 0.2) {
    rmSync(join(chart, 'Chart.yaml'))
    symlinkSync(random.pick([join(outside, 'sub/Chart.yaml'), '../shared/Chart.yaml']), join(chart, 'Chart.yaml'))
    write(join(root, 'shared/Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 0.1.0\n')
  }
  if (random.next() > 0.2) return name
  symlinkSync(name, join(root, `by-link-${name}`))
  return `by-link-${name}`
}

/** A chart that helm alone would print the file outside of: a trial in which it does not shows nothing. */
export function makeControl(root: string, outside: string): string {
  write(join(root, 'control/Chart.yaml'), 'apiVersion: v2\nname: app\nversion: 0.1.0\n')
  write(join(root, 'control/templates/everything.yaml'), everything)
  symlinkSync(join(outside, 'secret.yaml'), join(root, 'control/values.yaml'))
  return 'control'
}

/** One link, or a chain of them through other folders of the repository. */
function plant(random: Random, { link, root, outside }: { link: string; root: string; outside: string }): void {
  if (random.next() < 0.6) return symlinkSync(targetTo(random, { link, outside, root }), link)
  const middle = join(root, 'middle', `${basename(link)}-${random.between(0, 1e9)}`)
  mkdirSync(dirname(middle), { recursive: true })
  if (random.next() < 0.5) {
    symlinkSync(targetTo(random, { link: middle, outside, root }), middle)
    return symlinkSync(relative(dirname(link), middle), link)
  }
  // a folder on the way leads out, not the link itself
  symlinkSync(targetTo(random, { link: middle, outside: dirname(outside), root }), middle)
  symlinkSync(join(relative(dirname(link), middle), basename(outside)), link)
}
