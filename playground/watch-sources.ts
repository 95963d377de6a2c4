import { watch } from 'node:fs'

/** A burst of writes (an editor, a git checkout) counts as one change. */
const settleMs = 300

/** Calls `onChange` when files below the folder changed, once they are quiet. For as long as the process lives. */
export function watchSources(folder: string, onChange: () => void): void {
  let timer: NodeJS.Timeout | undefined
  watch(folder, { recursive: true }, (_event, file) => {
    if (!file?.endsWith('.ts') || file.endsWith('.test.ts')) return
    clearTimeout(timer)
    timer = setTimeout(onChange, settleMs)
  })
}
