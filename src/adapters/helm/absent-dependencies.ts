import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Document, isSeq, parseDocument } from 'yaml'
import { type Dependency, presentCharts, readDependencies } from './dependencies.ts'

/**
 * Takes out of Chart.yaml (or requirements.yaml) what it declares and `charts/` does not have: helm's command refuses such a chart, while
 * its library, with which the Operator worked, deploys what is there. Where it is not clear what an archive holds, all stays.
 */
export async function leaveOutAbsent(folder: string): Promise<void> {
  const declared = await readDependencies(folder)
  if (declared.length === 0) return
  const present = await presentCharts(folder)
  const absent = declared.map(({ name }) => name).filter((name) => !present.some((one) => one.name === name))
  if (absent.length === 0 || (await hasUnclear(folder, { declared, present }))) return
  for (const file of ['Chart.yaml', 'requirements.yaml']) await leaveOut(new Set(absent), join(folder, file))
}

type Charts = { declared: readonly Dependency[]; present: readonly { name: string; path: string }[] }

/** An archive is known by its file name alone. */
async function hasUnclear(folder: string, { declared, present }: Charts): Promise<boolean> {
  const clear = new Set(present.filter(({ name }) => declared.some((one) => one.name === name)).map(({ path }) => path))
  const names = await readdir(join(folder, 'charts')).catch(() => [])
  return names.some((name) => name.endsWith('.tgz') && !clear.has(join(folder, 'charts', name)))
}

async function leaveOut(absent: ReadonlySet<string>, file: string): Promise<void> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return
  const document = parseDocument(text, { uniqueKeys: false })
  const list = document.get('dependencies')
  if (document.errors.length > 0 || !isSeq(list)) return
  list.items = list.items.filter((_item, index) => !absent.has(String(document.getIn(['dependencies', index, 'name']))))
  if (list.items.length === 0) document.delete('dependencies')
  const left = print(document)
  if (left !== undefined) await writeFile(file, left)
}

/** Undefined where the rest refers to what was taken out. */
function print(document: Document): string | undefined {
  try {
    return document.toString({ lineWidth: 0 })
  } catch {
    return undefined
  }
}
