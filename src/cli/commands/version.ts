import type { Action, OutputFormat } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'

/** `capstan version`: the client's is told first, also when the server cannot be asked. */
export const showVersion: Action<{ clientOnly: boolean; output: OutputFormat }> = async (
  context,
  { clientOnly, output },
) => {
  const { out, version: client, signal } = context
  if (output === 'table') out.write(`client ${client}\n`)
  if (clientOnly) {
    if (output === 'json') out.write(printJson({ client }))
    return exitCodes.done
  }
  const { version: server } = await context.client().version({ signal })
  out.write(output === 'json' ? printJson({ client, server }) : `server ${clean(server)}\n`)
  return exitCodes.done
}
