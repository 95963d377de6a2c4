import { renameSync } from 'node:fs'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import { until } from '../../../playground/stack/until.ts'

/** How the desired state may vanish, each of which looks like "delete everything". */
const ways = ['path', 'branch', 'files', 'manifests', 'repository'] as const

export const d3: Hazard = {
  id: 'D3',
  promise: 'path, branch, all files or the repository vanish: 0 deletes',
  trials: scaled(30),
  run: (trial) => vanish(trial, 40),
}

export async function vanish({ world, index }: Trial, count: number): Promise<TrialResult> {
  const way = ways[index % ways.length] ?? 'path'
  const stage = await world.stage({ flags: ['--git-path=apps,namespaces'] })
  const { repository, capstan } = stage
  const objects = stage.objects(count, 'one')
  capstan.start()
  await stage.equals(await stage.push(objects), objects)
  const seen = async (reason: string) =>
    await until(`${way}: ${reason} is shown`, async () => (await stage.source())?.reason === reason, {
      logFile: capstan.logFile,
    })
  if (way === 'path') {
    await repository.push({ 'moved/README.md': 'empty', 'namespaces/README.md': 'empty' })
    await seen('PathNotFound')
  } else if (way === 'branch') {
    await repository.git('push', '-q', 'origin', 'main:other')
    await repository.git('--git-dir', `${repository.server.root}/repo.git`, 'update-ref', '-d', 'refs/heads/main')
    await seen('GitRefNotFound')
  } else if (way === 'files') {
    await repository.push({ 'README.md': 'empty' })
    await seen('PathNotFound')
  } else if (way === 'manifests') {
    await repository.push({ 'apps/README.md': 'empty', 'namespaces/README.md': 'empty' })
    await seen('MassDeletion')
  } else {
    renameSync(`${repository.server.root}/repo.git`, `${repository.server.root}/gone.git`)
    await until('the repository is missed', async () => Boolean((await stage.source())?.reason), {
      logFile: capstan.logFile,
    })
  }
  // Two more rounds, in which a careless one would catch up on the deletes.
  const rounds = stage.git.gate.requests() + stage.api.gate.requests()
  await until('more was looked at', async () => stage.git.gate.requests() + stage.api.gate.requests() > rounds + 10, {
    timeoutMs: 30_000,
  }).catch(() => undefined)
  const { missing } = await stage.differences(objects)
  return judge({ deletes: [stage.deletesOf(objects), 0], missing: [missing.length, 0] }, way)
}
