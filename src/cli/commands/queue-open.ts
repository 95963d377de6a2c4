import { Unreachable } from '../../api/client.ts'
import type { Action, Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { untilOf } from '../print/age.ts'

/**
 * `capstan queue open`: a link that lets one browser in, opened where there is a browser (W39). Where a port is forwarded to the server,
 * it is kept open for the browser until Ctrl-C, or until the server is gone ({@link Unreachable}).
 */
export const openQueue: Action<{ print: boolean }> = async (context, { print }) => {
  const { out, err, signal, now, openInBrowser } = context
  const { url, isForwarded } = await context.client().locate()
  const { path, expiresAt } = await context.client().browserLink({ signal })
  const link = `${url}${path}`
  if (!print && (await openInBrowser?.(link)) === true)
    out.write('opened in the browser; should none appear, open this:\n')
  out.write(`${link}\n`)
  if (!print) err.write(`It lets one browser in, once, and ends ${untilOf(expiresAt, now())}.\n`)
  if (!isForwarded) return exitCodes.done
  err.write('The port to the server is kept open until Ctrl-C.\n')
  return await keepOpen(context)
}

const lookEveryMs = 5000
const mostMisses = 3

/** A pod that is replaced takes the way to it along: who looks on should know why nothing comes any more. */
async function keepOpen({ client, signal, pause }: Context): Promise<never> {
  for (let misses = 0; ; ) {
    await pause(lookEveryMs)
    try {
      await client().version({ signal })
      misses = 0
    } catch (error) {
      misses++
      if (signal.aborted || !(error instanceof Unreachable)) throw error
      if (misses === mostMisses)
        throw new Unreachable('The server is gone from where the port leads; run this again.', { cause: error })
    }
  }
}
