import { execFile } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { tools } from '../../playground/tools/table.ts'
import { stack } from '../stack/stack.ts'
import { copiesOf, readStages, root } from './dockerfile.ts'
import { keysOf } from './values-keys.ts'

type Skaffold = {
  apiVersion: string
  kind: string
  build: {
    artifacts: {
      image: string
      context: string
      docker: { dockerfile: string; target: string }
      sync: { manual: { src: string; dest: string }[] }
    }[]
  }
  deploy: {
    helm: {
      releases: {
        name: string
        namespace: string
        chartPath: string
        valuesFiles: string[]
        setValueTemplates: Record<string, string>
      }[]
    }
  }
  portForward: { resourceType: string; resourceName: string; namespace: string; port: number; localPort: number }[]
}
type Tree = { [key: string]: unknown }

const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const stages = readStages()
const skaffold = parse(read('skaffold.yaml')) as Skaffold
const values = parse(read('charts/capstan/values.yaml')) as Tree

describe('Dockerfile', () => {
  const copies = stages.flatMap((stage) => copiesOf(stage).map((copy) => ({ stage: stage.name, ...copy })))
  const own = copies.filter(({ from }) => from === '').flatMap(({ sources }) => sources)

  it.each([...new Set(own)])('copies %s, which exists and which .dockerignore lets through', (source) => {
    expect(existsSync(join(root, source))).toBe(true)
    const open = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
    expect(open.some((path) => source === path || source.replace(/^\.\//, '').startsWith(`${path}/`))).toBe(true)
  })

  it('takes from stages that come before', () => {
    const names = stages.map(({ name }) => name)
    for (const { stage, from } of copies) {
      if (from) expect(names.slice(0, names.indexOf(stage))).toContain(from)
    }
    for (const { name, base } of stages) {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the Dockerfile's own syntax
      if (base !== '${BASE}') expect(names.slice(0, names.indexOf(name))).toContain(base)
    }
  })

  it('builds as it is, on a Node that the program asks for', () => {
    const [, base = ''] = /^ARG BASE=(\S+)$/m.exec(read('Dockerfile')) ?? []
    expect(base).toMatch(/^node:24-\w+-slim$/)
    for (const [, name = ''] of read('Dockerfile').matchAll(/^ARG ([A-Z_]+)$/gm)) {
      expect(read('Dockerfile')).toMatch(new RegExp(`^ARG ${name}=\\S+$`, 'm'))
    }
  })

  it.each(['helm', 'kubectl', 'kustomize', 'sops'] as const)('brings the %s that the tests run with', (name) => {
    const [, version] = new RegExp(`^ARG ${name.toUpperCase()}_VERSION=v(\\S+)$`, 'm').exec(read('Dockerfile')) ?? []
    expect(version).toBe(tools[name].version)
  })

  it('takes nothing from the network that is not compared with a published sum', () => {
    const runs = stages.flatMap(({ lines }) => lines.filter((line) => /^RUN .*\bget=/.test(line)))
    expect(runs).toHaveLength(4)
    for (const run of runs) expect(run).toContain('sha256sum --check --strict')
    expect(read('Dockerfile')).not.toMatch(/curl [^"]*\| *(sh|bash|tar)/)
  })

  it('tells the version of the program', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string }
    expect(read('Dockerfile')).toContain(`ARG VERSION=${version}\n`)
  })

  it.each(['dev', 'capstan'])('runs %s as nobody, below tini', (name) => {
    const stage = stages.find((one) => one.name === name)
    expect(stage?.lines.filter((line) => line.startsWith('USER'))).toEqual(['USER 65534:65534'])
    expect(stage?.lines.find((line) => line.startsWith('ENTRYPOINT'))).toContain('["tini", "--", ')
  })

  it('ends with the program itself', () => {
    expect(stages.at(-1)?.name).toBe('capstan')
  })
})

describe('skaffold.yaml', () => {
  const [artifact] = skaffold.build.artifacts
  const [release] = skaffold.deploy.helm.releases

  it('is of a schema that skaffold 2 reads', () => {
    expect(skaffold).toMatchObject({ kind: 'Config', apiVersion: expect.stringMatching(/^skaffold\/v4beta\d+$/) })
    expect(skaffold.build.artifacts).toHaveLength(1)
    expect(skaffold.deploy.helm.releases).toHaveLength(1)
  })

  it('builds a target that the Dockerfile has', () => {
    expect(existsSync(join(root, artifact?.context ?? '', artifact?.docker.dockerfile ?? ''))).toBe(true)
    expect(stages.map(({ name }) => name)).toContain(artifact?.docker.target)
  })

  it('copies changed files to where the target has them', () => {
    const target = stages.find(({ name }) => name === artifact?.docker.target) ?? expect.fail('no such stage')
    const copied = copiesOf(target).flatMap(({ from, sources }) => (from ? [] : sources))
    for (const { src, dest } of artifact?.sync.manual ?? []) {
      const files = globSync(src, { cwd: root })
      expect(files.length).toBeGreaterThan(100)
      expect(dest).toBe('.')
      for (const file of files) expect(copied.some((path) => file.startsWith(`${path}/`))).toBe(true)
    }
  })

  it('names a chart, values files and value keys that exist', () => {
    expect(existsSync(join(root, release?.chartPath ?? '', 'Chart.yaml'))).toBe(true)
    for (const key of Object.keys(release?.setValueTemplates ?? {})) expect(keysOf(values)).toContain(key)
    for (const file of release?.valuesFiles ?? []) {
      for (const key of keysOf(parse(read(file)) as Tree)) expect(keysOf(values)).toContain(key)
    }
  })

  it('gives the chart the image that it built', () => {
    const templates = Object.values(release?.setValueTemplates ?? {}).join(' ')
    for (const [, image] of templates.matchAll(/\{\{\.IMAGE_[A-Z]+_(\w+)\}\}/g)) expect(image).toBe(artifact?.image)
  })

  it('forwards ports that the chart opens', async () => {
    const { name, namespace, chartPath, valuesFiles } = release ?? expect.fail('no release')
    const files = valuesFiles.flatMap((file) => ['--values', file])
    const args = ['template', name, chartPath, '--namespace', namespace, ...files]
    const { stdout } = await promisify(execFile)(stack().helm, args, { cwd: root })
    const objects = stdout.split(/^---$/m).map((text) => parse(text) as { kind: string; metadata: Tree } | null)
    for (const forward of skaffold.portForward) {
      expect(forward.namespace).toBe(namespace)
      const target = objects.find(
        (object) =>
          object?.kind.toLowerCase() === forward.resourceType && object.metadata.name === forward.resourceName,
      )
      expect(JSON.stringify(target)).toContain(`"containerPort":${forward.port}`)
    }
  })
})

describe('the chart’s versions', () => {
  it('are those of the program', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string }
    expect(parse(read('charts/capstan/Chart.yaml'))).toMatchObject({ version, appVersion: version })
  })
})
