import { readdirSync, readFileSync } from 'node:fs'

/** Seconds of processor time since the start: of these processes and of those that they started and that have ended. */
type Time = { own: number; children: number }

const ticksPerSecond = 100

/** Seconds of processor time that went by in some work: of the API server with etcd, of who asked it, and of the programs that this one ran. */
export type Cpu = { server: number; client: number; programs: number }

/** Processor time until now; the difference of two says more than a clock does on a machine with other work. `pid`: who asks; this process when left out. */
export function readCpu(pid?: number): Cpu {
  const server = processes()
    .filter(({ name }) => name === 'kube-apiserver' || name === 'etcd')
    .reduce((sum, one) => sum + timeOf(one.pid).own, 0)
  const runner = timeOf(pid ?? process.pid)
  return { server, client: runner.own, programs: runner.children }
}

export function cpuBetween(before: Cpu, after: Cpu): Cpu {
  return {
    server: after.server - before.server,
    client: after.client - before.client,
    programs: after.programs - before.programs,
  }
}

/** Those that this process started, directly or not. */
function processes(): { pid: number; name: string }[] {
  const all = readdirSync('/proc').flatMap((entry) => {
    const stat = /^\d+$/.test(entry) ? statOf(Number(entry)) : undefined
    return stat ? [{ pid: Number(entry), ...stat }] : []
  })
  const parents = new Map(all.map(({ pid, parent }) => [pid, parent]))
  const isOurs = (pid: number): boolean => {
    const parent = parents.get(pid)
    return parent === process.pid || (parent !== undefined && parent > 1 && isOurs(parent))
  }
  return all.filter(({ pid }) => isOurs(pid))
}

function timeOf(pid: number): Time {
  return statOf(pid)?.time ?? { own: 0, children: 0 }
}

/** See proc(5); undefined when the process is gone. */
function statOf(pid: number): { name: string; parent: number; time: Time } | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  const [, name = '', rest = ''] = /\((.*)\) (.*)/s.exec(text) ?? []
  const fields = rest.split(' ').map(Number)
  const seconds = (index: number) => (fields[index] ?? 0) / ticksPerSecond
  return {
    name,
    parent: fields[1] ?? 0,
    time: { own: seconds(11) + seconds(12), children: seconds(13) + seconds(14) },
  }
}

export function inWords({ server, client, programs }: Cpu, who: string): string {
  const run = programs >= 0.05 ? `, programs ${programs.toFixed(1)} s` : ''
  return `API server ${server.toFixed(1)} s, ${who} ${client.toFixed(1)} s${run}`
}

export function sumOf({ server, client, programs }: Cpu): number {
  return server + client + programs
}
