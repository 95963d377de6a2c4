#!/usr/bin/env node
import { userInfo } from 'node:os'
import { basename } from 'node:path'
import { text } from 'node:stream/consumers'
import { createInstallCommand } from '../cli/commands/install.ts'
import { createConnect, type ForwardTo } from '../cli/connect.ts'
import { type Cli, createCli } from '../cli/create-cli.ts'
import type { Forwarded } from '../cli/fluxctl/create-fluxctl.ts'
import { readKeys } from './keys.ts'
import { loadYaml } from './load-yaml.ts'
import { ownSummaries } from '../cli/own-commands.ts'
import { version } from './package.ts'
import { beginSmall } from './small-memory.ts'

const interrupted = new AbortController()
const [command] = process.argv.slice(2)
// `run` ends orderly on its own; everything else just stops
if (command !== 'run') process.once('SIGINT', () => interrupted.abort(new Error('interrupted')))

// a reader that goes away (`capstan queue ls | head`) is no failure
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

/** A uid without an entry in the password file, as in a pod, has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

/** Whether there is a display that a browser could open on. */
function hasDisplay(): boolean {
  return process.platform === 'darwin' || Boolean(process.env.DISPLAY) || Boolean(process.env.WAYLAND_DISPLAY)
}

async function openInBrowser(link: string): Promise<boolean> {
  // child processes' packages are loaded for this alone
  const { openLink } = await import('./open-browser.ts')
  return openLink(link, process.env, process.platform)
}

/** Called `fluxctl`, by a link or a copy, we are fluxctl. */
const isFluxctl = [process.argv[1] ?? '', process.argv0].some((name) => basename(name, '.mjs') === 'fluxctl')

async function createProgram(): Promise<Cli> {
  if (!isFluxctl) return createCapstan()
  const { fluxctl } = await import('./fluxctl.ts')
  const { stdout: out, stderr: err } = process
  return fluxctl({ out, err, version, signal: interrupted.signal }, process.env)
}

/** Ports that are forwarded; closed at the end. */
const forwarded: Forwarded[] = []

async function forward(to: ForwardTo): Promise<string> {
  const { forwardToServer } = await import('./forward.ts')
  const open = await forwardToServer(to, { asFluxctl: false })
  forwarded.push(open)
  return open.url
}

function createCapstan(): Cli {
  return createCli({
    connect: createConnect({
      env: process.env,
      cwd: process.cwd(),
      forward,
      // client-node is loaded for a server that wants a token and was given none
      clusterToken: async () => await (await import('../adapters/cluster/index.ts')).contextToken({}),
    }),
    out: process.stdout,
    err: process.stderr,
    env: process.env,
    version,
    user: userName(),
    signal: interrupted.signal,
    ...(process.stdout.isTTY && hasDisplay() ? { openInBrowser } : {}),
    readInput: async () => await text(process.stdin),
    keys: readKeys,
    yaml: loadYaml,
    commands: [
      {
        name: 'run',
        summary: ownSummaries.run,
        async run(argv) {
          beginSmall()
          // only this command needs the cluster's, the queue's and the server's packages
          const { run } = await import('./run.ts')
          return await run(argv, process.env)
        },
      },
      {
        name: 'check',
        summary: ownSummaries.check,
        async run(argv) {
          const { check } = await import('./check.ts')
          return await check(argv, process.env, (line) => process.stdout.write(`${line}\n`))
        },
      },
      createInstallCommand({
        // helm's and the log's packages are loaded for this command alone
        render: async (request) => await (await import('./install.ts')).createRenderChart(process.env)(request),
        out: process.stdout,
        err: process.stderr,
      }),
      {
        name: 'migrate',
        summary: ownSummaries.migrate,
        async run(argv) {
          const { migrateCommand } = await import('./migrate.ts')
          return await migrateCommand(argv, process.env, interrupted.signal)
        },
      },
      {
        name: 'eject',
        summary: ownSummaries.eject,
        async run(argv) {
          const { ejectCommand } = await import('./eject.ts')
          return await ejectCommand(argv, process.env, interrupted.signal)
        },
      },
    ],
  })
}

const cli = await createProgram()
process.exitCode = await cli.run(process.argv.slice(2))
await Promise.all(forwarded.map(async ({ close }) => await close()))
// what a finished command left open (a keep-alive socket, a log stream) must not hold the process
if (command === 'run') process.exit()
