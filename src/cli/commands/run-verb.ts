import type { Context } from '../context.ts'
import { type ExitCode, exitCodes, TimedOut } from '../exit.ts'
import type { Verb } from '../fluxctl/context.ts'
import { Timeout } from '../fluxctl/failure.ts'
import type { Values } from '../fluxctl/flag.ts'

type Given = Record<string, string | boolean | number | readonly string[] | undefined>

/** Does what a verb of fluxctl does, at our server, with flags by fluxctl's names. */
export async function runVerb(
  context: Context,
  verb: Verb,
  { flags, timeoutMs }: { flags: Given; timeoutMs: number },
): Promise<ExitCode> {
  const { out, err, signal, now, pause, user } = context
  try {
    await verb({
      flags: valuesOf(flags),
      words: [],
      api: context.flux(),
      out,
      err,
      namespace: async () => String(flags.namespace ?? 'default'),
      author: async () => String(flags.user ?? user),
      timeoutMs,
      signal,
      now,
      pause,
    })
  } catch (error) {
    if (error instanceof Timeout) throw new TimedOut('Timed out while waiting for the server; it goes on without us.')
    throw error
  }
  return exitCodes.done
}

function valuesOf(given: Given): Values {
  const text = (name: string): string => String(given[name] ?? '')
  return {
    has: (name) => given[name] !== undefined,
    text,
    on: (name) => given[name] === true,
    number: (name) => Number(given[name] ?? 0),
    duration: () => 0,
    list: (name) => [given[name] ?? []].flat().map(String),
    map: () => ({}),
  }
}
