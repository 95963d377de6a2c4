import { createRedactor } from '../adapters/log/index.ts'
import { createProcessRun } from './child-programs.ts'

const timeoutMs = 5_000

/** Who commits here: `Name <mail>` by git's configuration of this folder, or what of it is there; empty without git. */
export async function gitAuthor(env: NodeJS.ProcessEnv): Promise<string> {
  const run = createProcessRun(createRedactor())
  const whole = Object.fromEntries(Object.entries(env).flatMap(([name, text]) => (text ? [[name, text]] : [])))
  const read = async (key: string): Promise<string> => {
    const args = ['config', '--get', '--null', key]
    const { exitCode, stdout } = await run({ command: 'git', args, env: whole, timeoutMs })
    return exitCode === 0 ? stdout.replace(/\0$/, '') : ''
  }
  const [name, mail] = await Promise.all([read('user.name'), read('user.email')])
  return name && mail ? `${name} <${mail}>` : mail || name
}
