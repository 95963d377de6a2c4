import { mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Toolbox } from '../tools/install.ts'
import { type Tool, type ToolName, tools } from '../tools/table.ts'

/** What is needed beside a cluster that is there already. */
export const toolsBesideCluster: readonly Tool[] = [
  tools.git,
  tools['redis-server'],
  tools['docker-registry'],
  tools.kubectl,
  tools.helm,
  tools.kustomize,
]

/** Every tool that the whole playground needs. */
export const allTools: readonly Tool[] = [
  ...toolsBesideCluster,
  tools.etcd,
  tools['kube-apiserver'],
  tools['kube-controller-manager'],
  tools['kube-scheduler'],
  tools.kwok,
]

/** What the tests need besides. */
export const testTools: readonly Tool[] = [
  ...allTools,
  tools.helm4,
  tools['git-secret'],
  tools.gpg,
  tools.sops,
  tools.sshd,
  tools.fluxctl,
]

/** A folder with one link per tool, to be put on PATH of children. Made anew. */
export function linkTools(folder: string, { found }: Toolbox): string {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, { path }] of found) symlinkSync(path, join(folder, name))
  return folder
}

/** The path of a tool that is known to be there. */
export function pathOf({ found }: Toolbox, name: ToolName): string {
  const tool = found.get(name)
  if (!tool) throw new Error(`${name} is missing`)
  return tool.path
}

/** The binaries that a control plane is made of. */
export function controlPlaneBinaries(toolbox: Toolbox) {
  return {
    etcd: pathOf(toolbox, 'etcd'),
    kubeApiserver: pathOf(toolbox, 'kube-apiserver'),
    kubeControllerManager: pathOf(toolbox, 'kube-controller-manager'),
    kubeScheduler: pathOf(toolbox, 'kube-scheduler'),
    ...(toolbox.found.has('kwok') && { kwok: pathOf(toolbox, 'kwok') }),
  }
}
