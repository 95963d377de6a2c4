import { parseArgs } from 'node:util'

/** What `npm run chaos -- …` was asked for. */
export type Options = {
  scale: number
  /** Hazards by id; empty is all. */
  only: readonly string[]
  seed: number
  /** One trial alone, as a failure printed it. */
  trial?: number
  /** File as in CAPSTAN_TEST_STACK; a control plane of our own when left out. */
  stack?: string
  /** Trials at the same time. */
  workers: number
  writeDocs: boolean
  /** Folder of results.json and table.md. */
  out: string
}

export const usage = `npm run chaos -- [options]
  --scale S      share of the trials of the table of hazards, default 0.1; outages ≤ 30 s below 1
  --only A2,B1   these hazards alone
  --seed N       of all chance; printed at the start
  --trial K      this trial alone (with --only and --seed): how a failure is played again
  --stack FILE   a running stack as in CAPSTAN_TEST_STACK; default: a control plane is started
  --workers N    trials at the same time, default 3
  --out DIR      where results.json and table.md go, default .capstan/chaos
  --write-docs   put the rows into the table of docs/reliability.md`

/** Reads them; throws with what is wrong. */
export function readOptions(argv: readonly string[], randomSeed: number): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scale: { type: 'string', default: '0.1' },
      only: { type: 'string', default: '' },
      seed: { type: 'string', default: String(randomSeed) },
      trial: { type: 'string' },
      stack: { type: 'string' },
      workers: { type: 'string', default: '3' },
      out: { type: 'string', default: '.capstan/chaos' },
      'write-docs': { type: 'boolean', default: false },
    },
  })
  return {
    scale: number('scale', values.scale, { above: 0 }),
    only: values.only.split(',').filter(Boolean),
    seed: number('seed', values.seed),
    ...(values.trial === undefined ? {} : { trial: number('trial', values.trial) }),
    ...(values.stack === undefined ? {} : { stack: values.stack }),
    workers: number('workers', values.workers, { above: 0 }),
    writeDocs: values['write-docs'],
    out: values.out,
  }
}

function number(name: string, text: string, { above = -1 }: { above?: number } = {}): number {
  const value = Number(text)
  if (text === '' || !Number.isFinite(value) || value <= above)
    throw new Error(`--${name}: "${text}" is no such number`)
  return value
}
