import type { Action } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { untilOf } from '../print/age.ts'

/** `capstan queue open`: a link that lets one browser in, opened where there is a browser (W39). */
export const openQueue: Action<{ print: boolean }> = async (context, { print }) => {
  const { out, signal, now, openInBrowser } = context
  const { address } = context.client()
  const { path, expiresAt } = await context.client().browserLink({ signal })
  const link = `${address}${path}`
  if (!print && (await openInBrowser?.(link)) === true)
    out.write('opened in the browser; should none appear, open this:\n')
  out.write(`${link}\n`)
  if (!print) context.err.write(`It lets one browser in, once, and ends ${untilOf(expiresAt, now())}.\n`)
  return exitCodes.done
}
