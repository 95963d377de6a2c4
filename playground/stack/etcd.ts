import { join } from 'node:path'
import { freePort } from './ports.ts'
import type { Program } from './supervise.ts'
import type { Supervisor } from './supervisor.ts'
import { until } from './until.ts'

export type Etcd = { url: string; program: Program }

export type EtcdOptions = {
  supervisor: Supervisor
  /** The etcd binary, 3.4 or newer. */
  binary: string
  /** Its data goes to `etcd/` in here. */
  directory: string
}

/** Starts one etcd member on free ports of 127.0.0.1; resolves when it answers. No fsync: its data outlives it, not a power cut. */
export async function startEtcd({ supervisor, binary, directory }: EtcdOptions): Promise<Etcd> {
  const url = `http://127.0.0.1:${await freePort()}`
  const peer = `http://127.0.0.1:${await freePort()}`
  const program = supervisor.start({
    name: 'etcd',
    command: binary,
    args: [
      `--data-dir=${join(directory, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      // A kept data folder holds the peer address of an earlier start.
      '--force-new-cluster',
      '--unsafe-no-fsync',
      '--quota-backend-bytes=4294967296',
    ],
  })
  await until('etcd', async () => (await fetch(`${url}/health`)).ok, { logFile: program.logFile })
  return { url, program }
}
