import { Unreachable } from '../../api/client.ts'
import type { Context, ListFormat } from '../context.ts'
import type { ExitCode } from '../exit.ts'
import { createBell } from '../bell.ts'
import { clean } from './clean.ts'
import { printJson } from './json.ts'
import { printYaml } from './yaml.ts'
import { watchEvents } from '../watch.ts'

/** What a verb that lists has found, in every form. */
export type Listing = {
  /** For scripts. */
  data: unknown
  /** One a line, for `-o name`. */
  names: readonly string[]
  /** For people; `wide` has more columns. */
  table: (wide: boolean) => string
  code: ExitCode
}

/** A listing as it is wanted. */
export function printListing({ data, names, table }: Listing, output: ListFormat): string {
  switch (output) {
    case 'json':
      return printJson(data)
    case 'yaml':
      return printYaml(data)
    case 'name':
      return names.map((name) => `${clean(name)}\n`).join('')
    case 'wide':
    case 'table':
      return table(output === 'wide')
  }
}

export type ListOptions = { output: ListFormat; watch: boolean }

/** Without events something may have changed all the same. */
const [quietMs, blindMs] = [5000, 2000]
/** Events come in bursts. */
const burstMs = 300
const clearScreen = '\u001b[H\u001b[2J'

/**
 * Prints what `look` finds, and gives its exit code. With `watch` prints it again whenever it has changed, until Ctrl-C: the server's
 * stream of events says when to look, and every 5 s somebody looks anyway (every 2 s without the stream). At a terminal the screen is
 * drawn anew. A server that is not reached for a while is waited for.
 */
export async function showListing(
  context: Context,
  { output, watch }: ListOptions,
  look: () => Promise<Listing>,
): Promise<ExitCode> {
  const first = await look()
  let shown = printListing(first, output)
  if (!watch) {
    context.out.write(shown)
    return first.code
  }
  draw(context, shown)
  const bell = createBell(context, watchEvents(context))
  for (;;) {
    await bell.next({ quietMs, blindMs })
    await context.pause(burstMs)
    const text = printListing(await lookAgain(context, look), output)
    if (text !== shown) draw(context, text)
    shown = text
  }
}

function draw({ out }: Context, text: string): void {
  out.write(out.isTTY ? `${clearScreen}${text}` : text)
}

async function lookAgain(context: Context, look: () => Promise<Listing>): Promise<Listing> {
  for (let isTold = false; ; isTold = true) {
    try {
      return await look()
    } catch (error) {
      context.signal.throwIfAborted()
      if (!(error instanceof Unreachable)) throw error
      if (!isTold) context.err.write(`${clean(error.message)} Waiting for it.\n`)
      await context.pause(blindMs)
    }
  }
}
