import { WrongUsage } from '../exit.ts'

/** The full ID of a workload: `kind/name` is in the namespace that is given, else in `default`. */
export function workloadId(text: string, namespace: string | undefined): string {
  const [, space, kind, name] = /^(?:([\w-]+|<cluster>):)?([\w-]+)\/([\w.:-]+)$/.exec(text) ?? []
  if (!kind || !name) throw new WrongUsage(`${text} is no workload; give it as kind/name or namespace:kind/name.`)
  return `${space ?? namespace ?? 'default'}:${kind.toLowerCase()}/${name}`
}
