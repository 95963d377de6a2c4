import picocolors from 'picocolors'

/** Where text goes; process.stdout is one. */
export type Output = { write(text: string): unknown; isTTY?: boolean; columns?: number }

type Paint = (text: string) => string

/** Colours by meaning. */
export type Style = { good: Paint; bad: Paint; warn: Paint; faint: Paint }

/** Colours for people at a terminal only: never into a pipe, nor where NO_COLOR is set or the terminal is dumb. */
export function createStyle(out: Output, env: Readonly<Record<string, string | undefined>>): Style {
  const { green, red, yellow, dim } = picocolors.createColors(
    out.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
  )
  return { good: green, bad: red, warn: yellow, faint: dim }
}
