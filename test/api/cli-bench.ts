import { createCli } from '../../src/cli/create-cli.ts'
import { type ConnectOptions, createConnect } from '../../src/cli/connect.ts'
import { loadYaml } from '../../src/main/load-yaml.ts'
import { token } from './workbench.ts'

/** The command line against a listening app; gives what it wrote and its exit code. */
export function createCliBench(
  options: {
    url?: string
    env?: Record<string, string>
    cwd?: string
    forward?: ConnectOptions['forward']
    isTTY?: boolean
    signal?: AbortSignal
    onOut?: (text: string) => void
    onErr?: (text: string) => void
    pause?: (ms: number) => Promise<void>
  } = {},
) {
  const env: Record<string, string> = {
    ...(options.url ? { CAPSTAN_URL: options.url, CAPSTAN_TOKEN: token } : {}),
    ...options.env,
  }
  const connect = createConnect({
    env,
    cwd: options.cwd ?? '/nowhere',
    ...(options.forward ? { forward: options.forward } : {}),
  })
  return async (...argv: string[]) => {
    let [stdout, stderr] = ['', '']
    const collect = (add: (text: string) => void) => ({ isTTY: options.isTTY === true, write: add })
    const cli = createCli({
      connect,
      out: collect((text) => {
        stdout += text
        options.onOut?.(text)
      }),
      err: collect((text) => {
        stderr += text
        options.onErr?.(text)
      }),
      env,
      yaml: loadYaml,
      version: '9.9.9',
      user: 'alice',
      ...(options.pause ? { pause: options.pause } : {}),
      signal: options.signal ?? new AbortController().signal,
      commands: [{ name: 'run', summary: 'run it', run: async (args) => args.length + 40 }],
    })
    const code = await cli.run(argv)
    return { code, stdout, stderr }
  }
}
